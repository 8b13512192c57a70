import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  absent,
  authorizedKey,
  block,
  directory,
  dropIn,
  exec,
  file,
  group,
  ownedDirectory,
  packages,
  type Resource,
  Secret,
  sh,
  symlink,
  sysctl,
  text,
  unitFile,
  user,
} from '../../../src/index.ts';
import { sha256 } from '../../../src/lib/digest.ts';
import { probePrelude } from '../../../src/remote/runtime.ts';
import { probePaths, readPath } from '../../../src/resource/types/path-probe.ts';
import { observe, runProbe } from './run-probe.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBcW3b0xdS9d1UKj2j9sYv0wq4xkLJ6e9X7c3oQ2QhVQ';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmctl-probe-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const NAMES = [
  'plain',
  "quote's",
  'new\nline',
  '-dash',
  'back\\slash',
  '"$(id)`id`',
  '* ?[a]',
  ' ',
  '\u0001\t\r',
  'é€😀',
  '#',
  'a:b',
];

test('files of any name are told apart, by their own digests', () => {
  const wanted = text('new\n');
  for (const [index, name] of NAMES.entries()) writeFileSync(join(folder, name), `${index}\n`, { mode: 0o640 });
  const all = [...NAMES, 'missing'].map((name) => file({ path: join(folder, name), content: wanted }));
  const found = observe(all);
  for (const [index, name] of NAMES.entries()) {
    expect({ name, ...found[index] }).toMatchObject({
      name,
      state: 'known',
      value: { kind: 'file', mode: '0640', digest: sha256(`${index}\n`), size: Buffer.byteLength(`${index}\n`) },
    });
  }
  expect(found.at(-1)).toEqual({ state: 'absent' });
});

test('an old content is sent only if it differs, is not sensitive and not too large', () => {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('same'), 'new\n');
  writeFileSync(at('other'), '\0\n@x field y\n\xff');
  writeFileSync(at('secret'), 'old\n');
  writeFileSync(at('large'), 'x'.repeat(1024 * 1024 + 1));
  writeFileSync(at('limit'), 'x'.repeat(1024 * 1024));
  const secret = new Secret('a password', 'a test');
  const contents = ['same', 'other', 'large', 'limit'].map((name) => file({ path: at(name), content: text('new\n') }));
  const sensitive = file({ path: at('secret'), content: text(secret.placeholder) });
  const sizes = observe([...contents, sensitive]).map((one) =>
    one.state === 'known' ? (one.value as { content?: Uint8Array }).content?.byteLength : one.state,
  );
  expect(sizes).toEqual([undefined, Buffer.byteLength('\0\n@x field y\n\xff'), undefined, 1024 * 1024, undefined]);
});

test('targets of symlinks come through exactly', () => {
  const targets = ['../x', 'a" -> "b', 'new\nline', 'back\\slash\\', 'é\u0001', '%s', '-'];
  for (const [index, target] of targets.entries()) symlinkSync(target, join(folder, `${index}`));
  const all = targets.map((target, index) => symlink({ path: join(folder, `${index}`), target }));
  const found = observe(all);
  for (const [index, one] of all.entries()) {
    const seen = found[index];
    expect(seen).toMatchObject({ state: 'known', value: { kind: 'symlink', target: targets[index] } });
    expect(one.type.diff(one.desired, seen?.state === 'known' ? seen.value : undefined, [])).toBeUndefined();
  }
});

test('any name and any target (random)', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter((one) => !/[/\0]/.test(one) && one !== '.' && one !== '..' && Buffer.byteLength(one) < 200);
  const seed = Number(process.env.FARMCTL_SEED ?? Date.now() % 1_000_000);
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 8 }), name, (names, target) => {
      const inner = mkdtempSync(join(folder, 'x'));
      for (const one of names) symlinkSync(target, join(inner, one));
      const looks = names.map((one) => ({ targets: [{ path: join(inner, one) }] }));
      const records = runProbe(probePaths(looks)).records.get('probe');
      for (const index of names.keys()) {
        const record = records?.get(index);
        expect(record && readPath(record)).toMatchObject({ kind: 'symlink', target });
      }
    }),
    { numRuns: 15, seed },
  );
});

test('more paths than one stat is given', () => {
  const names = Array.from({ length: 450 }, (_, index) => `${index}`);
  for (const name of names) if (Number(name) % 3 === 0) writeFileSync(join(folder, name), name);
  const found = observe(names.map((name) => file({ path: join(folder, name), content: text(name) })));
  for (const name of names) {
    const expected = Number(name) % 3 === 0 ? { state: 'known', value: { digest: sha256(name) } } : { state: 'absent' };
    expect(found[Number(name)]).toMatchObject(expected);
  }
});

test('a path that vanishes between the looks moves no other', () => {
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), name);
  // A stat and a sha256sum of the test's own: the real ones, that lose the second path first.
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const tool of ['stat', 'sha256sum']) {
    const real = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, tool), `#!/bin/sh\nrm -f '${folder}/b'\nexec ${real} "$@"\n`);
    chmodSync(join(bin, tool), 0o755);
  }
  const all = ['a', 'b', 'c'].map((name) => file({ path: join(folder, name), content: text(name) }));
  expect(observe(all, { path: `${bin}:$PATH` }).map((one) => one.state)).toEqual(['known', 'absent', 'known']);
  const kept = observe(all, { path: `${bin}:$PATH` });
  expect(kept[2]).toMatchObject({ value: { digest: sha256('c') } });
});

test('what is no file, directory or symlink is named', () => {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  mkdirSync(join(folder, 'dir'));
  const kinds = ['fifo', 'dir'].map((name) => file({ path: join(folder, name), content: text('') }));
  const device = file({ path: '/dev/null', content: text('') });
  expect(
    observe([...kinds, device]).map((one) => (one.state === 'unknown' ? one.reason.split(' at ')[0] : one.state)),
  ).toEqual(['there is a fifo', 'there is a directory', 'there is a character device']);
});

test('the size of a directory is not told: it changes by itself', () => {
  const look = () =>
    runProbe(probePaths([{ targets: [{ path: folder }] }]))
      .records.get('probe')
      ?.get(0)?.fields;
  const before = look();
  for (let index = 0; index < 300; index++) writeFileSync(join(folder, `${'x'.repeat(100)}${index}`), '');
  expect(before?.size).toBe(1);
  expect(look()).toEqual(before);
});

describe('an owned directory', () => {
  test('lists names of any kind, hidden ones too, without what is ignored', () => {
    const path = join(folder, 'own');
    mkdirSync(path);
    for (const name of [...NAMES, '..hidden', '.h', '.farmctl-new.a', '.farmctl-old.a', 'b.dpkg-dist'])
      writeFileSync(join(path, name), '');
    const [seen] = observe([ownedDirectory({ path, entries: [], ignore: ['*.dpkg-*'] })]);
    const names = seen?.state === 'known' ? (seen.value as { names: string[] }).names : [];
    expect([...names].sort()).toEqual([...NAMES, '..hidden', '.h'].sort());
  });

  test('refuses a name that is not UTF-8, because it could not be named', () => {
    const path = join(folder, 'own');
    mkdirSync(path);
    execFileSync('sh', ['-c', `: >"$1/$(printf 'a\\377')"`, 'sh', path]);
    expect(observe([ownedDirectory({ path, entries: [] })])).toEqual([
      { state: 'unknown', reason: 'a name in this directory is not UTF-8 text: remove it by hand' },
    ]);
  });

  test('is empty, absent or a symlink', () => {
    mkdirSync(join(folder, 'empty'));
    symlinkSync('empty', join(folder, 'link'));
    const all = ['empty', 'none', 'link'].map((name) => ownedDirectory({ path: join(folder, name), entries: [] }));
    const found = observe(all);
    expect(found.map((one) => one.state)).toEqual(['known', 'absent', 'unknown']);
    expect(found[0]).toMatchObject({ value: { names: [] } });
  });
});

test('a record does not depend on the others in the list', () => {
  for (const name of NAMES) writeFileSync(join(folder, name), 'old\n');
  const all = NAMES.map((name) => file({ path: join(folder, name), content: text('new\n') }));
  const together = observe(all);
  for (const [index, one] of all.entries()) expect(observe([one])).toEqual([together[index]]);
});

test('a guard that sets, closes, prints and exits does no harm to the next one', () => {
  const guards = [
    sh`exec 3>&-; IFS=x; set -f; record() { :; }; exit 5`,
    sh`printf 'noise\n'; printf 'noise\n' >&2; cat`,
  ];
  const all = guards.map((unless, index) => exec({ name: `${index}`, script: sh`:`, unless }));
  expect(observe(all)).toEqual([{ state: 'absent' }, { state: 'known', value: { isDone: true } }]);
});

const samples: readonly Resource[] = [
  file({ path: '/etc/a b', content: text('x') }),
  symlink({ path: '/etc/l', target: 'x' }),
  directory({ path: '/srv/d' }),
  absent({ path: '/srv/x' }),
  ownedDirectory({ path: '/srv/d', ignore: ['*.bak'], entries: [file({ path: '/srv/d/a', content: text('x') })] }),
  block({ path: '/etc/b', name: 'x', content: 'y' }),
  unitFile({ unit: 'x.service', content: text('') }),
  dropIn({ unit: 'x.service', content: text('') }),
  sysctl({ key: 'net.core.somaxconn', value: '4096' }),
  user({ name: 'zed', groups: ['sudo'], group: 'adm', passwordHash: new Secret('$6$x', 'a test') }),
  group({ name: 'team', gid: 7000 }),
  authorizedKey({ user: 'zed', key: KEY }),
  exec({ name: 'x', script: sh`true`, unless: sh`false` }),
  packages(['apache2', { name: 'curl', version: '1' }, 'libc6:amd64'], { absent: ['nano'] }),
];

function shellcheck(script: string): string {
  // SC2154, SC2034: names that eval sets and reads. SC2317: functions that a script does not use. SC2015, SC2016:
  // `a && b || exit`, and scripts inside scripts, as they are meant.
  const excluded = 'SC2154,SC2034,SC2317,SC2015,SC2016';
  const args = ['-s', 'dash', '-e', excluded, '-f', 'gcc', '-'];
  return spawnSync('shellcheck', args, { input: script, encoding: 'utf8' }).stdout;
}

const noShellcheck = spawnSync('shellcheck', ['--version']).error !== undefined;

describe.skipIf(noShellcheck)(`shellcheck (${noShellcheck ? 'not installed' : 'installed'})`, () => {
  for (const { type, desired } of samples) {
    test(`${type.type}: the probe`, () => {
      expect(shellcheck(`${probePrelude('0', 'x').text}${type.probe([desired, desired]).text}\n`)).toBe('');
    });
    test(`${type.type}: how it is made`, () => {
      expect(shellcheck(`${type.apply(desired, undefined, []).script?.text ?? ':'}\n`)).toBe('');
    });
  }
});
