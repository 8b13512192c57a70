import { describe, expect, it } from 'vitest';
import { exportTable } from '../../roles/nfs/export-table.ts';
import { liveDifference, mountOptions, readMounts } from '../../roles/nfs/mount-options.ts';
import { nfsMount } from '../../roles/nfs/nfs-mount.ts';
import { unitNameOf } from '../../roles/nfs/unit-name.ts';
import type { MountWish } from '../../roles/nfs/variables.ts';
import { observe } from '../unit/resource/run-probe.ts';

const WISH: MountWish = {
  ...{ export: '/srv/nfs/web', access: 'rw', version: '4.2', soft: false, timeo: 100, retrans: 2 },
  ...{ lookupcache: 'positive', atime: false, suid: false, devices: false, exec: true },
};
const SOURCE = '10.77.0.31:/srv/nfs/web';

// Recorded from Linux 6.1: the automount, and the mount over it with the options above.
const AUTOFS =
  '41 1 0:37 / /srv/nfs/web rw,relatime shared:20 - autofs systemd-1 rw,fd=45,pgrp=1,timeout=0,minproto=5,maxproto=5,direct,pipe_ino=1\n';
const MOUNTED = `${AUTOFS}63 41 0:41 / /srv/nfs/web rw,nosuid,nodev,noatime shared:33 - nfs4 10.77.0.31:/srv/nfs/web rw,vers=4.2,rsize=131072,wsize=131072,namlen=255,hard,proto=tcp,timeo=100,retrans=2,sec=sys,clientaddr=10.77.0.21,lookupcache=pos,local_lock=none,addr=10.77.0.31\n`;

const [live] = readMounts(MOUNTED);
const desired = nfsMount({ path: '/srv/nfs/web', source: SOURCE, options: [...mountOptions(WISH)] }).desired;
const waiting = { activeState: 'active', enabled: true, mounted: [], isMissing: false, users: ['apache2.service'] };

/** The state of a mount whose line is changed so. */
function changed(...changes: readonly [string, string][]) {
  const text = changes.reduce((line, [from, to]) => {
    expect(line).toContain(from);
    return line.replaceAll(from, to);
  }, MOUNTED);
  return { ...waiting, mounted: readMounts(text) };
}

describe('name of a unit', () => {
  it.each([
    ['/srv/nfs/web', 'srv-nfs-web'],
    ['/srv/my-files/.web', 'srv-my\\x2dfiles-.web'],
    ['/.hidden', '\\x2ehidden'],
    ['/a+b@c', 'a\\x2bb\\x40c'],
    ['/srv/ü', 'srv-\\xc3\\xbc'],
  ])('of %s', (path, name) => expect(unitNameOf(path)).toBe(name));
});

describe('options of a mount', () => {
  it('are those that the kernel shows', () => {
    expect(live && liveDifference(live, SOURCE, mountOptions(WISH))).toEqual({ flags: [], fixed: [] });
  });

  it('are compared with the times of the cache', () => {
    const [found] = readMounts(MOUNTED.replace('retrans=2,', 'retrans=2,acregmin=5,acregmax=5,acdirmin=5,acdirmax=5,'));
    const options = mountOptions({ ...WISH, actimeo: 5 });
    expect(found && liveDifference(found, SOURCE, options)).toEqual({ flags: [], fixed: [] });
    expect(live && liveDifference(live, SOURCE, options).fixed.map(({ name }) => name)).toEqual([
      'acregmin',
      'acregmax',
      'acdirmin',
      'acdirmax',
    ]);
  });
});

describe('a mount', () => {
  const diff = (state: Parameters<typeof nfsMount.type.diff>[1]) => nfsMount.type.diff(desired, state, []);

  it('is as desired while it waits, and while it is mounted', () => {
    expect(diff(waiting)).toBeUndefined();
    expect(diff(changed())).toBeUndefined();
  });

  it('is made', () => {
    const absent = { activeState: 'inactive', enabled: false, mounted: [], isMissing: true, users: [] };
    expect(diff(absent)).toMatchObject({ action: 'create', risk: 'none' });
    expect(nfsMount.type.apply(desired, absent, []).files).toMatchObject([{ kind: 'directory', path: '/srv/nfs/web' }]);
    expect(nfsMount.type.apply(desired, { ...absent, isMissing: false }, []).files).toEqual([]);
  });

  it.each([
    ['read-only', 'web rw,', 'web ro,'],
    ['read-only behind', ' rw,vers', ' ro,vers'],
    ['with times of reading', 'noatime', 'relatime'],
    ['with set-user-ID', 'nosuid,', ''],
  ])('%s is remounted', (_, from, to) => {
    expect(diff(changed([from, to]))).toMatchObject({ action: 'update', risk: 'reload', notes: [] });
  });

  it.each([
    ['another source', 'nfs4 10.77.0.31', 'nfs4 10.77.0.32', 'mounted source'],
    ['another version', 'vers=4.2', 'vers=4.1', 'mounted vers'],
    ['negative entries', 'lookupcache=pos,', '', 'mounted lookupcache'],
    ['a soft mount', 'hard', 'soft', 'mounted server silent'],
    ['another time', 'timeo=100', 'timeo=600', 'mounted timeo'],
    ['another file system', 'nfs4 10', 'ext4 10', 'mounted file system'],
  ])('with %s is unmounted, and who needs it is stopped', (_, from, to, field) => {
    const found = diff(changed([from, to]));
    expect(found).toMatchObject({ action: 'update', risk: 'restart' });
    expect(found?.fields.map(({ name }) => name)).toEqual([field]);
    expect(found?.notes.join()).toContain('apache2.service is stopped');
  });

  it('over which something else was mounted is mounted again', () => {
    const [top] = readMounts(MOUNTED);
    const state = { ...waiting, mounted: top === undefined ? [] : [top, top] };
    expect(diff(state)?.fields).toEqual([{ name: 'mounted', from: '2 times', to: 'once' }]);
  });

  it('without its automount is mounted again, since that does not start over it', () => {
    expect(diff({ ...changed(), activeState: 'failed' })).toMatchObject({ risk: 'restart' });
    expect(diff({ ...waiting, activeState: 'failed' })).toMatchObject({ risk: 'none' });
  });

  it('covers that somebody looked into it meanwhile', () => {
    const disabled = { ...waiting, enabled: false };
    expect(nfsMount.type.covers?.(desired, disabled, { ...changed(), enabled: false })).toBe(true);
    expect(nfsMount.type.covers?.(desired, disabled, { ...changed(['hard', 'soft']), enabled: false })).toBe(false);
  });

  it('is looked at without its file system', () => {
    const [state] = observe([nfsMount({ path: '/proc', source: SOURCE, options: ['rw'] })]);
    expect(state).toMatchObject({ state: 'known', value: { isMissing: false } });
    if (state?.state === 'known') expect(state.value).toHaveProperty('mounted.0.type', 'proc');
    const [none] = observe([nfsMount({ path: '/no/such', source: SOURCE, options: ['rw'] })]);
    expect(none).toMatchObject({ state: 'known', value: { isMissing: true, mounted: [] } });
  });
});

describe('the export table', () => {
  const line = (path: string, options: string) => `${path}\t10.77.0.0/24(${options})`;
  const wanted = exportTable({ lines: [line('/srv/a', 'rw'), line('/srv/b', 'ro')], threads: 8 }).desired;
  const diff = (lines: string[], threads: number | undefined, mountd = 'active') =>
    exportTable.type.diff(wanted, { lines, threads, mountd }, []);

  it('is as desired with exactly these lines', () => {
    expect(diff([line('/srv/a', 'rw'), line('/srv/b', 'ro')], 8)).toBeUndefined();
  });

  it('names what is missing, foreign or changed', () => {
    expect(diff([line('/srv/a', 'ro'), line('/srv/c', 'rw')], 2, 'inactive')).toEqual({
      action: 'update',
      fields: [
        { name: '/srv/a to 10.77.0.0/24', from: 'ro', to: 'rw' },
        { name: '/srv/c to 10.77.0.0/24', from: 'rw', to: undefined },
        { name: '/srv/b to 10.77.0.0/24', from: undefined, to: 'ro' },
        { name: 'threads', from: '2', to: '8' },
        { name: 'rpc.mountd', from: 'inactive', to: 'active' },
      ],
      ...{ texts: [], risk: 'reload', notes: [] },
    });
    expect(diff([], 8)).toMatchObject({ risk: 'none' });
    expect(diff([], 0)).toMatchObject({ risk: 'none' });
  });
});
