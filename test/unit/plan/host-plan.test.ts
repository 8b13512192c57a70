import { describe, expect, it } from 'vitest';
import { text } from '../../../src/model/content.ts';
import type { DesiredHost } from '../../../src/plan/desired.ts';
import { resourceKey, withMembers } from '../../../src/plan/desired.ts';
import { type Holdings, parseHoldings } from '../../../src/plan/given-back.ts';
import { findOrphans, planHost } from '../../../src/plan/host-plan.ts';
import { type ManifestEntry, manifestEntry, parseManifest } from '../../../src/plan/manifest.ts';
import type { Seen } from '../../../src/plan/observe.ts';
import { pathKey } from '../../../src/remote/file-script.ts';
import type { Observed, Resource } from '../../../src/resource/define.ts';
import { file } from '../../../src/resource/types/file.ts';
import { ownedDirectory } from '../../../src/resource/types/owned-directory.ts';
import { packages } from '../../../src/resource/types/packages.ts';
import { service } from '../../../src/resource/types/service.ts';
import { symlink } from '../../../src/resource/types/symlink.ts';
import { holding, record } from '../resource/service-fixture.ts';

const HOST = { name: 'a', tier: 'web', retired: false };
const one = file({ path: '/etc/one', content: text('1\n') });
const two = file({ path: '/etc/two', content: text('2\n') });

function desiredHost(resources: readonly Resource[]): DesiredHost {
  return { host: 'a', parts: [{ part: 'web', role: 'web', resources, checks: [] }], failedParts: [], diagnostics: [] };
}

function plan(
  resources: readonly Resource[],
  observed: ReadonlyArray<readonly [Resource, Observed<unknown>]>,
  manifest: readonly ManifestEntry[] = [],
  filter = (_part: string, _role: string) => true,
  holdings: Holdings = parseHoldings(''),
) {
  const desired = desiredHost(resources);
  const orphans = findOrphans('shop', desired, manifest);
  const seen = new Map<string, Seen>(
    [...resources, ...[...orphans.alone, ...[...orphans.inSet.values()].flat()].map((orphan) => orphan.resource)]
      .flatMap(withMembers)
      .map((resource) => [resourceKey(resource), { observed: { state: 'absent' }, record: undefined }]),
  );
  for (const [resource, state] of observed) seen.set(resourceKey(resource), { observed: state, record: undefined });
  return { orphans, planned: planHost({ farm: 'shop', host: HOST, desired, filter, seen, orphans, holdings }) };
}

const entry = (resource: Resource, position: number, rest: Partial<ManifestEntry> = {}): ManifestEntry => ({
  ...manifestEntry('shop', 'web', resource, undefined, position),
  ...rest,
});
const there = holding(one, 'x\n').observed;

describe('planHost', () => {
  it('plans what differs in the order written', () => {
    const { planned } = plan([one, two], []);
    expect(planned.plan.changes.map((change) => `${change.action} ${change.id}`)).toEqual([
      'create /etc/one',
      'create /etc/two',
    ]);
    expect(planned.plan.state).toBe('planned');
  });

  it('counts what is as desired, and no removal against it', () => {
    const gone = file({ path: '/etc/gone', content: text('') });
    const { planned } = plan(
      [one, two],
      [
        [one, holding(one, '1\n').observed],
        [gone, there],
      ],
      [entry(gone, 5)],
    );
    expect(planned.plan).toMatchObject({ unchangedCount: 1, changes: [{ id: '/etc/two' }, { id: '/etc/gone' }] });
  });

  it('takes an unknown for pending where something earlier changes, and names what it waits for', () => {
    const { planned } = plan([one, two], [[two, { state: 'unknown', reason: 'no such user' }]]);
    expect(planned.plan.changes[1]).toMatchObject({ id: '/etc/two', unknownUntil: 'file /etc/one', action: 'create' });
    expect(planned.plan.diagnostics).toEqual([]);
  });

  it('names the nearest of several, but packages before all others', () => {
    const user = file({ path: '/etc/three', content: text('') });
    const unknown: Observed<unknown> = { state: 'unknown', reason: 'no such user' };
    const until = (...before: Resource[]) =>
      plan([...before, user], [[user, unknown]]).planned.plan.changes.at(-1)?.unknownUntil;
    expect(until(one, two)).toBe('file /etc/two');
    expect(until(one, packages(['curl']), two)).toBe('packages curl');
  });

  it('refuses the host where nothing would explain an unknown', () => {
    const { planned } = plan([one], [[one, { state: 'unknown', reason: 'is a directory' }]]);
    expect(planned.plan).toMatchObject({ state: 'refused', changes: [] });
    expect(planned.plan.diagnostics[0]).toMatchObject({
      code: 'resource/unknown',
      host: 'a',
      resource: 'file /etc/one',
    });
  });

  it('deletes what no role returns any more, the last made first, and only of this farm', () => {
    const manifest = [
      entry(one, 0),
      entry(two, 1000),
      entry(file({ path: '/etc/x', content: text('') }), 5, { farm: 'other' }),
    ];
    const { planned } = plan(
      [],
      [
        [one, there],
        [two, there],
      ],
      manifest,
    );
    expect(planned.plan.changes.map((change) => `${change.action} ${change.id}`)).toEqual([
      'delete /etc/two',
      'delete /etc/one',
    ]);
    expect(planned.plan.leftovers).toEqual([
      { type: 'file', id: '/etc/x', reason: 'Another farm put it there: other.' },
    ]);
  });

  it('filters deletions by tag, though they are computed over all roles', () => {
    const manifest = [entry(one, 0), entry(two, 1, { part: 'dns/primary' })];
    const { planned } = plan(
      [],
      [
        [one, there],
        [two, there],
      ],
      manifest,
      (_part, role) => role === 'dns',
    );
    expect(planned.plan.changes.map((change) => change.id)).toEqual(['/etc/two']);
  });

  it('says of what is taken away whether an original comes back, or somebody else made it and it stays', () => {
    const set = service({ unit: 'x.service', enabled: false, active: false, config: [] });
    const directory = ownedDirectory({ path: '/etc/x', entries: [symlink({ path: '/etc/x/on', target: 'a' })] });
    const running: Observed<unknown> = set.type.parse(
      record({ show: 'LoadState=loaded\nActiveState=active\nUnitFileState=enabled', before: 'active enabled' }),
      set.desired,
    );
    const held = directory.type.parse(
      record({ stat0: '41ed:0:755:root:0:root:0:"/etc/x"', names: '/on' }),
      directory.desired,
    );
    const foreign = file({ path: '/etc/zero', content: text('0\n') });
    const inSet = { set: 'service x.service' };
    const manifest = [entry(set, 0), ...[one, two, foreign, directory].map((each, at) => entry(each, at + 1, inSet))];
    const holdings = parseHoldings(
      [
        `originals/${pathKey('/etc/one')}.path:/etc/one`,
        `originals/${pathKey('/etc/x/off')}.path:/etc/x/off`,
        ...['/etc/one', '/etc/two', '/etc/x/on', '/etc/x/off'].map((path) => `paths/${pathKey(path)}`),
      ].join('\n'),
    );
    const observed: [Resource, Observed<unknown>][] = [
      [set, running],
      [directory, held],
      ...[one, two, foreign].map((each): [Resource, Observed<unknown>] => [each, there]),
    ];
    const { planned } = plan([], observed, manifest, undefined, holdings);
    expect(planned.plan.changes).toMatchObject([
      {
        action: 'delete',
        risk: 'restart',
        fields: [
          { name: 'process', from: 'active', to: 'restarted on what was there before' },
          { name: '/etc/one kind', from: 'file', to: 'what was there before' },
          { name: '/etc/two kind', from: 'file', to: undefined },
          { name: '/etc/x contents', from: 'exactly as declared', to: undefined },
          { name: '/etc/x on', from: 'present', to: undefined },
          { name: '/etc/x off', from: undefined, to: 'what was there before' },
        ],
      },
    ]);
  });

  it('does not take what somebody else made just so for its own', () => {
    const set = service({ unit: 'x.service', enabled: true, active: true, config: [one, two] });
    const stopped: Observed<unknown> = set.type.parse(
      record({ show: 'LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled' }),
      set.desired,
    );
    const observed: [Resource, Observed<unknown>][] = [
      [set, stopped],
      [one, holding(one, '1\n').observed],
      [two, holding(two, 'other\n').observed],
    ];
    const listed = (manifest: ManifestEntry[]) =>
      plan([set], observed, manifest).planned.steps[0]?.entries.map((each) => each.id);
    expect(listed([])).toEqual(['x.service', '/etc/two']);
    expect(listed([entry(one, 1, { set: 'service x.service' })])).toEqual(['x.service', '/etc/one', '/etc/two']);
  });

  it('only forgets what is gone already', () => {
    const { planned } = plan([], [], [entry(one, 0)]);
    expect(planned.plan.changes).toEqual([]);
    expect(planned.forgotten.map((found) => found.id)).toEqual(['/etc/one']);
  });

  it('does not remove a list of packages that has grown', () => {
    const { orphans } = plan([packages(['curl', 'tree'])], [], [entry(packages(['curl']), 0)]);
    expect(orphans.alone).toEqual([]);
    expect(orphans.renamed.map((found) => found.type)).toEqual(['packages']);
  });

  it("leaves a dropped member to its service's own transaction", () => {
    const set = service({ unit: 'x.service', enabled: true, active: true, config: [one] });
    const { orphans } = plan([set], [], [entry(two, 1, { set: 'service x.service' })]);
    expect(orphans.alone).toEqual([]);
    expect(orphans.inSet.get('service x.service')?.map((found) => found.resource.id)).toEqual(['/etc/two']);
  });
});

describe('parseManifest', () => {
  it('reads back what was written and passes over what is not an entry', () => {
    const written = entry(one, 7);
    expect(parseManifest(`${JSON.stringify(written)}\nrubbish\n{"farm":1}\n\n`)).toEqual([written]);
  });
});

describe('findOrphans', () => {
  it('leaves alone what a part has on the host that could not say what it wants', () => {
    const desired: DesiredHost = { host: 'a', parts: [], failedParts: ['web'], diagnostics: [] };
    const manifest = [entry(one, 0), entry(two, 1, { part: 'base' })];
    expect(findOrphans('shop', desired, manifest).alone.map((orphan) => orphan.resource.id)).toEqual(['/etc/two']);
  });
});
