import { describe, expect, it } from 'vitest';
import { text } from '../../../src/model/content.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Member, ProbeRecord, Resource } from '../../../src/resource/define.ts';
import { directory } from '../../../src/resource/types/directory.ts';
import { file } from '../../../src/resource/types/file.ts';
import { service } from '../../../src/resource/types/service.ts';
import { symlink } from '../../../src/resource/types/symlink.ts';
import { dropIn, unitFile } from '../../../src/resource/types/unit-file.ts';
import { holding, lacking, record, same } from './service-fixture.ts';

const SHOW = {
  LoadState: 'loaded',
  ActiveState: 'active',
  UnitFileState: 'enabled',
  InvocationID: 'i1',
  NeedDaemonReload: 'no',
  ActiveEnterTimestamp: 'Fri 2025-11-21 09:00:00 UTC',
};
const OLDER = '11 1763600000.0';

const config = file({ path: '/etc/x/x.conf', content: text('listen 80\ncolour red\n') });
const desired = service({
  unit: 'x.service',
  enabled: true,
  active: true,
  config: [config],
  restartWhen: (contents) =>
    contents
      .get('/etc/x/x.conf')
      ?.split('\n')
      .filter((line) => line.startsWith('listen')),
});

function observed(show: Partial<typeof SHOW> = {}, fields: Readonly<Record<string, string>> = {}) {
  const shown = Object.entries({ ...SHOW, ...show }).map(([name, value]) => `${name}=${value}`);
  return record({ show: shown.join('\n'), inodes: OLDER, packaged: 'yes', ...fields });
}

function plan(one = desired, seen = observed(), members: readonly Member[] = [same(config)]) {
  const state = one.type.parse(seen, one.desired);
  const value = state.state === 'known' ? state.value : undefined;
  const differs = one.type.diff(one.desired, value, members);
  const { transaction } = one.type.apply(one.desired, value, members);
  return { state, differs, transaction };
}

describe('service', () => {
  it('wants nothing where files, unit and process are as they should be', () => {
    expect(plan().differs).toBeUndefined();
  });

  it('reloads for a line that a reload reaches', () => {
    const { differs, transaction } = plan(desired, observed(), [holding(config, 'listen 80\ncolour blue\n')]);
    expect(differs).toMatchObject({ action: 'update', risk: 'reload' });
    expect(transaction).toMatchObject({ process: 'reload', wasActive: true, daemonReload: 'never' });
    expect(transaction?.operations.map((one) => one.path)).toEqual(['/etc/x/x.conf']);
  });

  it('leaves it to whoever moves the VIP whether it runs, and changes it where it does', () => {
    const moving = service({ ...desired.desired, enabled: false, active: 'with-vip' });
    const other = [holding(config, 'listen 80\ncolour blue\n')];
    const standby = { ActiveState: 'inactive', UnitFileState: 'disabled', InvocationID: '' };
    expect(plan(moving, observed({ UnitFileState: 'disabled' })).differs).toBeUndefined();
    expect(plan(moving, observed(standby)).differs).toBeUndefined();
    expect(plan(moving, observed({ UnitFileState: 'disabled' }), other).transaction?.process).toBe('reload');
    expect(plan(moving, observed(standby), other).transaction).toMatchObject({ process: 'none', wasActive: false });
    expect(() => service({ ...desired.desired, active: 'with-vip' })).toThrow('must not start at boot');
  });

  it('plans for a VIP that may have moved when the change is made', () => {
    const moving = service({ ...desired.desired, enabled: false, active: 'with-vip' });
    const standby = { ActiveState: 'inactive', UnitFileState: 'disabled', InvocationID: '' };
    const stamp = 'reload r\nrestart s\ninvocation i0\n11 1763600000.0\n';
    const differs = (line: string, fields = {}) =>
      plan(moving, observed(standby, fields), [holding(config, `${line}\ncolour blue\n`)]).differs;
    expect(differs('listen 80')).toMatchObject({ risk: 'none', notes: [] });
    expect(differs('listen 80', { stamp })).toMatchObject({
      risk: 'reload',
      notes: ['Where the VIP is by then, it is reloaded.'],
    });
    expect(differs('listen 81', { stamp })?.risk).toBe('restart');

    const covers = (one: typeof moving, now: ReturnType<typeof observed>) => {
      const [before, after] = [observed(standby, { stamp }), now].map((seen) => one.type.parse(seen, one.desired));
      if (before?.state !== 'known' || after?.state !== 'known') throw new Error('both are known');
      return one.type.covers?.(one.desired, before.value, after.value);
    };
    const came = { UnitFileState: 'disabled', InvocationID: 'i2' };
    expect(covers(moving, observed(came, { stamp }))).toBe(true);
    expect(covers(moving, observed(came, { stamp, inodes: '12 1763700000.0' }))).toBe(false);
    expect(covers(desired, observed(came, { stamp }))).toBe(false);
  });

  it('restarts for a line that only a restart reaches, and says so', () => {
    const { differs, transaction } = plan(desired, observed(), [holding(config, 'listen 81\ncolour red\n')]);
    expect(transaction?.process).toBe('restart');
    expect(differs?.risk).toBe('restart');
    expect(differs?.notes).toContain('A reload does not reach what changed: it is restarted.');
  });

  it('reloads for a hand edit that was put back: the files are equal, the process is older', () => {
    const { differs, transaction } = plan(desired, observed({}, { inodes: '11 1763800000.0' }));
    expect(transaction).toMatchObject({ process: 'reload', operations: [] });
    expect(differs?.fields).toEqual([{ name: 'process', from: 'runs on older files', to: 'reloaded' }]);
  });

  it('restarts for a hand edit after others have started the process, and says why', () => {
    const stamp = 'reload r\nrestart s\ninvocation i0\n11 1763600000.0\n';
    const { differs, transaction } = plan(desired, observed({}, { stamp, inodes: '11 1763800000.0' }));
    expect(transaction?.process).toBe('restart');
    expect(differs?.notes).toContain(
      'Others started the running process since farmctl did, so nobody knows what it has loaded of them: it is restarted.',
    );
  });

  it('finishes an interrupted transaction even where all files are equal', () => {
    const { differs, transaction } = plan(desired, observed({}, { journal: 'yes' }));
    expect(transaction).toMatchObject({ process: 'reload', interrupted: true });
    expect(differs?.fields.map((field) => field.name)).toEqual(['transaction', 'process']);
  });

  it('starts what is down, enables what is disabled, and unmasks', () => {
    expect(plan(desired, observed({ ActiveState: 'failed' })).transaction?.process).toBe('start');
    expect(plan(desired, observed({ UnitFileState: 'disabled' })).transaction).toMatchObject({
      enable: true,
      process: 'none',
    });
    const masked = plan(desired, observed({ LoadState: 'masked', UnitFileState: 'masked', ActiveState: 'inactive' }));
    expect(masked.transaction).toMatchObject({ unmask: true, enable: true, process: 'start' });
  });

  it('leaves the enabling of a static unit to systemd', () => {
    expect(plan(desired, observed({ UnitFileState: 'static' })).differs).toBeUndefined();
  });

  it('stops and disables what shall be off: an outage', () => {
    const off = service({ unit: 'x.service', enabled: false, active: false, config: [] });
    const { differs, transaction } = plan(off, observed(), []);
    expect(transaction).toMatchObject({ process: 'stop', enable: false });
    expect(differs?.risk).toBe('outage');
  });

  it('does not know a unit that no package has brought, and is content where it shall be off', () => {
    const hollow = observed({ LoadState: 'not-found', UnitFileState: '', ActiveState: 'inactive' });
    expect(plan(desired, hollow).state).toMatchObject({ state: 'unknown', elseAsDesired: false });
    const off = service({ unit: 'x.service', enabled: false, active: false, config: [] });
    expect(plan(off, hollow, []).state).toMatchObject({ state: 'unknown', elseAsDesired: true });
    expect(plan(desired, record({ show: 'LoadState=masked' })).state.state).toBe('unknown');
  });

  it('restarts and reads units again for a changed drop-in', () => {
    const one = dropIn({ unit: 'x.service', content: text('[Service]\nNice=5\n') });
    const other = service({ unit: 'x.service', enabled: true, active: true, config: [one] });
    const { transaction } = plan(other, observed(), [holding(one, '[Service]\nNice=1\n')]);
    expect(transaction).toMatchObject({ process: 'restart', daemonReload: 'always' });
  });

  it('lets systemd read a unit that it does not know when it is asked for it, and no other', () => {
    const unit = unitFile({ unit: 'x.service', content: text('[Service]\nExecStart=/bin/true\n') });
    const own = (...others: readonly Resource[]) =>
      service({ unit: 'x.service', enabled: false, active: true, config: [unit, ...others] });
    const unknown = observed({ LoadState: 'not-found', UnitFileState: '', ActiveState: 'inactive' });
    const reloadOf = (one: ReturnType<typeof own>, seen: ProbeRecord) =>
      plan(one, seen, one.type.members?.(one.desired).map(lacking)).transaction?.daemonReload;
    expect(reloadOf(own(dropIn({ unit: 'x.service', content: text('[Service]\nNice=5\n') })), unknown)).toBe(
      'if-undone',
    );
    expect(reloadOf(own(dropIn({ unit: 'y.service', content: text('[Service]\nNice=5\n') })), unknown)).toBe('always');
    // Its file was lost: systemd still knows what it said.
    expect(reloadOf(own(), observed())).toBe('always');
  });

  it('makes the same digests in every run where a file holds a secret', () => {
    const withKey = (secret: Secret) => {
      const key = file({ path: '/etc/x/key', content: text(`key ${secret.placeholder}\n`) });
      const one = service({
        unit: 'x.service',
        enabled: true,
        active: true,
        config: [key],
        restartWhen: (all) => [...all],
      });
      return plan(one, observed(), [holding(key, 'key old\n')]).transaction?.stamp;
    };
    expect(withKey(new Secret('hunter2-hunter2', 'test'))).toEqual(withKey(new Secret('hunter2-hunter2', 'test')));
  });

  it('takes a member that nobody wants any more out within the same transaction', () => {
    const gone = { ...holding(file({ path: '/etc/x/old.conf', content: text('old\n') }), 'old\n'), unwanted: true };
    const { transaction } = plan(desired, observed(), [same(config), gone]);
    expect(transaction).toMatchObject({
      operations: [{ kind: 'restore', path: '/etc/x/old.conf' }],
      process: 'reload',
    });
  });

  it('restarts where a symlink that only a restart reaches was turned, though links have no text', () => {
    const link = symlink({ path: '/etc/x/mpm', target: '/etc/x/event' });
    const one = service({
      unit: 'x.service',
      enabled: true,
      active: true,
      config: [link],
      restartWhen: (all) => all.get('/etc/x/mpm'),
    });
    const turned: Member = {
      resource: link,
      observed: link.type.parse(
        record({ stat0: 'a1ff:9:777:root:0:root:0:"/etc/x/mpm" -> "/etc/x/prefork"' }),
        link.desired,
      ),
      unwanted: false,
    };
    expect(plan(one, observed(), [turned]).transaction?.process).toBe('restart');
  });

  it('takes off a mask of ours where the package never came', () => {
    const hollow = desired.type.parse(
      record({ show: 'LoadState=masked\nUnitFileState=masked\nActiveState=inactive' }),
      desired.desired,
    );
    const value = hollow.state === 'unknown' ? hollow.removable?.value : undefined;
    const removal = desired.type.remove(desired.desired, value, []);
    expect(removal.kind).toBe('remove');
    expect(removal.kind === 'remove' && removal.effect.before?.text).toContain('unmask');
  });

  const REMOVED_BEFORE: [string, string | undefined, string[], string][] = [
    ['active enabled', 'old\n', ['process'], 'restart'],
    ['active enabled', undefined, [], 'none'],
    ['active disabled', undefined, ['enabled'], 'none'],
    ['inactive disabled', undefined, ['process', 'enabled'], 'outage'],
  ];
  it.each(REMOVED_BEFORE)('is given back as it was: %s, file %j', (before, found, changed, risk) => {
    const observed = desired.type.parse(
      record({ show: 'LoadState=loaded\nActiveState=active\nUnitFileState=enabled', before }),
      desired.desired,
    );
    const value = observed.state === 'known' ? observed.value : undefined;
    const removal = desired.type.remove(desired.desired, value, found === undefined ? [] : [holding(config, found)]);
    if (changed.length === 0) return expect(removal.kind).toBe('gone');
    if (removal.kind !== 'remove') throw new Error(removal.kind);
    const names = removal.difference.fields.map((field) => field.name).filter((name) => !name.startsWith('/'));
    expect(names).toEqual(changed);
    expect(removal.difference.risk).toBe(risk);
    const { before: leave, script: give } = removal.effect;
    expect(leave?.text.includes('-q stop')).toBe(risk !== 'none');
    expect(leave?.text.includes('-q disable')).toBe(before.endsWith('disabled'));
    expect(give?.text.includes('systemctl start')).toBe(before.startsWith('active'));
  });

  it('masks a unit before its package is installed', () => {
    expect(desired.type.prepare?.(desired.desired)?.script.text).toContain('mask -- x.service');
  });
});

describe('what an author may write', () => {
  const base = { unit: 'x.service', enabled: true, active: true, config: [config] };

  it('refuses what would be passed over or could not be swapped', () => {
    expect(() => service(Object.assign({}, base, { enable: true }))).toThrow('it has no argument "enable"');
    expect(() => service({ ...base, unit: 'x' })).toThrow('a unit with its ending');
    expect(() => service({ ...base, config: [directory({ path: '/srv/x' })] })).toThrow(
      '"config" holds directory /srv/x, whose change is more than files: declare it before the service',
    );
  });
});
