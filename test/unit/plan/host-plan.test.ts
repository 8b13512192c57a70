import { describe, expect, it } from 'vitest';
import { text } from '../../../src/model/content.ts';
import type { DesiredHost } from '../../../src/plan/desired.ts';
import { resourceKey, withMembers } from '../../../src/plan/desired.ts';
import { findOrphans, planHost } from '../../../src/plan/host-plan.ts';
import { type ManifestEntry, manifestEntry, parseManifest } from '../../../src/plan/manifest.ts';
import type { Seen } from '../../../src/plan/observe.ts';
import type { Observed, Resource } from '../../../src/resource/define.ts';
import { file } from '../../../src/resource/types/file.ts';
import { packages } from '../../../src/resource/types/packages.ts';
import { service } from '../../../src/resource/types/service.ts';
import { holding } from '../resource/service-fixture.ts';

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
) {
  const desired = desiredHost(resources);
  const orphans = findOrphans('shop', desired, manifest);
  const seen = new Map<string, Seen>(
    [...resources, ...orphans.alone.map((orphan) => orphan.resource)]
      .flatMap(withMembers)
      .map((resource) => [resourceKey(resource), { observed: { state: 'absent' }, record: undefined }]),
  );
  for (const [resource, state] of observed) seen.set(resourceKey(resource), { observed: state, record: undefined });
  return { orphans, planned: planHost({ farm: 'shop', host: HOST, desired, filter, seen, orphans }) };
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
