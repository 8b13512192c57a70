import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { packages, type Resource } from '../../../src/index.ts';
import { openPrivateRoot, type PrivateRoot, whyNoPrivateRoot } from './private-root.ts';

const reason = whyNoPrivateRoot();

let root: PrivateRoot;

interface Made {
  readonly name: string;
  readonly version: string;
  readonly control?: string;
  /** What the package's postinst does. */
  readonly postinst?: string;
}

/** A package of one configuration file in the folder from which apt fetches. */
function make({ name, version, control = '', postinst = '' }: Made): void {
  root.write(
    `/repo/${name}/DEBIAN/control`,
    [
      `Package: ${name}`,
      `Version: ${version}`,
      'Architecture: all',
      'Maintainer: nobody <nobody@example.org>',
      'Description: for a test',
      ...(control === '' ? [] : [control]),
      '',
    ].join('\n'),
  );
  root.write(`/repo/${name}/DEBIAN/conffiles`, `/etc/${name}.conf\n`);
  root.write(`/repo/${name}/DEBIAN/postinst`, `#!/bin/sh\nset -e\n${postinst}\n`, 0o755);
  root.write(`/repo/${name}/etc/${name}.conf`, `of ${version}\n`);
  root.sh(`cd /repo && dpkg-deb --root-owner-group -b ${name} ${name}_${version}.deb >/dev/null && rm -r ${name}`);
}

function index(): void {
  root.sh('cd /repo && dpkg-scanpackages -m . >Packages 2>/dev/null');
}

function observe(resource: Resource): unknown {
  const [observed] = root.observe([resource]);
  return observed?.state === 'known' ? observed.value : undefined;
}

function plan({ type, desired }: Resource) {
  const observed = observe({ type, desired, id: '' });
  return { change: type.diff(desired, observed, []), effect: type.apply(desired, observed, []) };
}

function converge(resource: Resource) {
  const { change, effect } = plan(resource);
  if (change === undefined) throw new Error('nothing differs');
  root.make(effect);
  root.make(effect);
  expect(plan(resource).change).toBeUndefined();
  return change;
}

function installed(): string {
  return root.sh(
    "dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\\n' 'farm-*' 2>/dev/null | grep -v ' not-installed ' || true",
  );
}

describe.skipIf(reason !== undefined)(`packages on a private root (${reason ?? 'here'})`, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    root = await openPrivateRoot();
    root.sh('rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*');
    root.write('/etc/apt/sources.list', 'deb [trusted=yes] file:/repo ./\n');
    make({ name: 'farm-a', version: '1.0', control: 'Recommends: farm-c\nDepends: farm-b' });
    make({ name: 'farm-b', version: '1.0' });
    make({ name: 'farm-c', version: '1.0', control: 'Conflicts: farm-b' });
    index();
  }, 60_000);
  afterAll(async () => {
    await root.close();
  });
  beforeEach(() => {
    root.sh('dpkg --purge farm-a farm-b farm-c >/dev/null 2>&1 || true');
  });

  test('lists are fetched when apt does not know a package, and then it knows', () => {
    expect(converge(packages(['farm-a']))).toEqual({
      action: 'create',
      fields: [{ name: 'farm-a', from: undefined, to: 'newest' }],
      texts: [],
      risk: 'none',
      notes: ['The package lists are fetched first: apt does not know all of these yet.'],
    });
    expect(installed()).toBe('farm-a installed 1.0\nfarm-b installed 1.0\n');
    expect(plan(packages(['farm-a', 'farm-c'])).change).toMatchObject({
      fields: [{ name: 'farm-c', from: undefined, to: '1.0' }],
      notes: [],
    });
  });

  test('a version, an upgrade that keeps the changed file, and back', () => {
    converge(packages([{ name: 'farm-b', version: '1.0' }]));
    root.write('/etc/farm-b.conf', 'changed by hand\n');
    make({ name: 'farm-b', version: '2.0' });
    index();
    expect(plan(packages(['farm-b'])).change).toBeUndefined();
    expect(converge(packages([{ name: 'farm-b', version: '2.0' }]))).toMatchObject({
      action: 'update',
      fields: [{ name: 'farm-b', from: '1.0', to: '2.0' }],
      risk: 'restart',
    });
    expect(root.read('/etc/farm-b.conf')).toBe('changed by hand\n');
    expect(converge(packages([{ name: 'farm-b', version: '1.0' }])).fields).toEqual([
      { name: 'farm-b', from: '2.0', to: '1.0' },
    ]);
  });

  test('one transaction installs and removes exactly what is listed', () => {
    converge(packages([{ name: 'farm-b', version: '1.0' }, 'farm-a']));
    const { effect } = plan(packages(['farm-c']));
    expect(() => root.make(effect)).toThrow(/REMOVED(.|\n)*farm-b/);
    const half = plan(packages(['farm-c'], { absent: ['farm-b'] }));
    expect(half.change?.risk).toBe('outage');
    expect(() => root.make(half.effect)).toThrow('apt would also remove farm-a: the plan does not list that');
    expect(installed()).toContain('farm-a installed');
    converge(packages(['farm-c'], { absent: ['farm-a', 'farm-b'] }));
    expect(installed()).toContain('farm-c installed');
    expect(plan(packages([], { absent: ['farm-a'] })).change).toBeUndefined();
  });

  test('an interrupted dpkg is seen, also by those who want nothing else, and finished', () => {
    make({ name: 'farm-d', version: '1.0', postinst: '[ ! -e /broken ]' });
    index();
    root.sh('touch /broken; apt-get -qq update; apt-get -qq -y install farm-d >/dev/null 2>&1 || true; rm /broken');
    expect(installed()).toContain('farm-d half-configured 1.0');
    expect(plan(packages(['dpkg'])).change?.fields).toEqual([{ name: 'dpkg', from: 'interrupted', to: 'finished' }]);
    expect(converge(packages(['farm-d', 'farm-b'])).fields).toEqual([
      { name: 'dpkg', from: 'interrupted', to: 'finished' },
      { name: 'farm-d', from: '1.0 (half-configured)', to: '1.0' },
      { name: 'farm-b', from: undefined, to: '2.0' },
    ]);
    root.sh('touch /broken; dpkg --unpack /repo/farm-d_1.0.deb >/dev/null');
    expect(installed()).toContain('farm-d unpacked 1.0');
    root.sh('rm /broken');
    converge(packages(['farm-d']));
  });

  test('a removed package whose files stay counts as absent', () => {
    converge(packages(['farm-b']));
    converge(packages([], { absent: ['farm-b'] }));
    expect(installed()).toContain('farm-b config-files');
    expect(converge(packages(['farm-b'])).action).toBe('create');
  });

  test('a package that nobody has fails with what apt says', () => {
    expect(() => root.make(plan(packages(['farm-none'])).effect)).toThrow('Unable to locate package farm-none');
  });

  test('a probe writes nothing', () => {
    root.sh('rm -f /var/cache/apt/*.bin; sync');
    const before = root.sh(
      'find /var/cache/apt /var/lib/apt /var/lib/dpkg -newermt 2000-01-01 -printf "%p %C@\\n" | sort',
    );
    plan(packages(['farm-a', 'farm-none', { name: 'dpkg', version: '9' }]));
    expect(
      root.sh('find /var/cache/apt /var/lib/apt /var/lib/dpkg -newermt 2000-01-01 -printf "%p %C@\\n" | sort'),
    ).toBe(before);
  });

  test('a locked dpkg is waited for', () => {
    const { effect } = plan(packages(['farm-b']));
    // The lock that dpkg's frontends take (fcntl), by perl: a shell has none of the kind.
    root.write(
      '/tmp/lock.pl',
      `use Fcntl; open(F, '+>>', '/var/lib/dpkg/lock-frontend') or die;
my $lock = pack('ssx4qqi', F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
open(L, '>', '/tmp/locked'); close(L); sleep 4;\n`,
    );
    root.sh('perl /tmp/lock.pl >/dev/null 2>&1 & timeout 10 sh -c "until [ -e /tmp/locked ]; do sleep 0.1; done"');
    const from = Date.now();
    root.make(effect);
    expect(Date.now() - from).toBeGreaterThan(2500);
    expect(installed()).toContain('farm-b installed');
  });
});
