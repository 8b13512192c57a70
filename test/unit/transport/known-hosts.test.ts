import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKnown, hashName, knownName, parseKnownHosts, withKnown } from '../../../src/transport/known-hosts.ts';
import { appendKnownHost, readKnownHosts } from '../../../src/transport/known-hosts-file.ts';

/** A key's blob that names its own type, as all do. */
function blob(keyType: string, body: string): string {
  const type = Buffer.from(keyType);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, type, Buffer.from(body)]).toString('base64');
}

const KEY = blob('ssh-ed25519', 'x'.repeat(36));

function found(text: string, name: string): string[] {
  const known = parseKnownHosts([{ file: 'known_hosts', text }]);
  return findKnown(known, name).map((line) => `${line.marker ?? 'key'} ${line.at}`);
}

describe('parseKnownHosts', () => {
  it.each([
    ['a plain name', `app1 ssh-ed25519 ${KEY}`, 'app1', true],
    ['a name in a list', `app1,10.77.0.21 ssh-ed25519 ${KEY}`, '10.77.0.21', true],
    ['a name written in capitals', `APP1 ssh-ed25519 ${KEY}`, 'app1', true],
    ['a port', `[app1]:2222 ssh-ed25519 ${KEY}`, '[app1]:2222', true],
    ['a port that is not asked for', `[app1]:2222 ssh-ed25519 ${KEY}`, 'app1', false],
    ['a star', `*.farm.example ssh-ed25519 ${KEY}`, 'app1.farm.example', true],
    ['a star that does not fit', `*.farm.example ssh-ed25519 ${KEY}`, 'farm.example', false],
    ['a question mark', `app? ssh-ed25519 ${KEY}`, 'app1', true],
    ['a negation after its star', `app*,!app9 ssh-ed25519 ${KEY}`, 'app9', false],
    ['a negation before its star', `!app9,app* ssh-ed25519 ${KEY}`, 'app9', false],
    ['a negation of another', `app*,!app9 ssh-ed25519 ${KEY}`, 'app1', true],
    ['tabs and a comment', `\tapp1\tssh-ed25519\t${KEY}\tsomebody@somewhere`, 'app1', true],
    ['a Windows line end', `app1 ssh-ed25519 ${KEY}\r`, 'app1', true],
    ['a comment', `# app1 ssh-ed25519 ${KEY}`, 'app1', false],
    ['a key of another type than it says', `app1 ssh-rsa ${KEY}`, 'app1', false],
    ['a key that is no base64', 'app1 ssh-ed25519 %%%', 'app1', false],
    ['a marker that nobody knows', `@trusted app1 ssh-ed25519 ${KEY}`, 'app1', false],
    ['a line that is cut off', 'app1 ssh-ed25519', 'app1', false],
  ])('reads %s', (_title, text, name, isFound) => {
    expect(found(text, name)).toEqual(isFound ? ['key known_hosts:1'] : []);
  });

  it('keeps markers and places', () => {
    const text = `\n@revoked app1 ssh-ed25519 ${KEY}\n@cert-authority *.x ssh-ed25519 ${KEY}\n`;
    expect(found(text, 'app1')).toEqual(['revoked known_hosts:2']);
    expect(found(text, 'a.x')).toEqual(['cert-authority known_hosts:3']);
  });

  it('never throws, whatever the file holds', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('@revoked', 'app1', 'ssh-ed25519', KEY, '|1|', '*', '!', '#', '\n'),
    );
    const text = fc.array(word).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, (one) => void found(one, 'app1')),
      { numRuns: 300 },
    );
  });

  it('is not slowed down by patterns made for that', () => {
    const startedAt = performance.now();
    expect(found(`${'*a'.repeat(400)}b ssh-ed25519 ${KEY}`, 'a'.repeat(255))).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  it('learns a key during a run', () => {
    const known = parseKnownHosts([]);
    const line = { marker: undefined, names: 'app1', keyType: 'ssh-ed25519', key: KEY, at: 'known_hosts' };
    expect(findKnown(withKnown(known, line), 'app1')).toEqual([line]);
    expect(findKnown(known, 'app1')).toEqual([]);
  });
});

describe('next to ssh-keygen', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'farmctl-known-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Lines that ssh-keygen -F finds. */
  function oracle(text: string, name: string): number[] {
    const file = join(folder, 'oracle');
    writeFileSync(file, text);
    const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
    return [...stdout.matchAll(/found: line (\d+)/g)].map(([, line]) => Number(line));
  }

  const host = fc.constantFrom('app1', 'app2', 'app1.farm.example', '10.77.0.21', 'ns');
  const pattern = fc.oneof(
    host,
    fc.constantFrom(
      '*',
      'app*',
      '*.farm.example',
      'app?',
      '10.77.0.*',
      '!app1',
      '!app2',
      '[app1]:2222',
      '[app*]:2222',
      'APP2',
    ),
  );
  const salt = fc.uint8Array({ minLength: 20, maxLength: 20 });
  const names = fc.oneof(
    fc.array(pattern, { minLength: 1, maxLength: 3 }).map((all) => all.join(',')),
    fc.tuple(fc.oneof(host, fc.constant('[app1]:2222')), salt).map(([name, bytes]) => hashName(name, bytes)),
  );
  // Without the marker cert-authority: -F reports such a line and -H leaves it out.
  const line = fc
    .tuple(fc.constantFrom('', '', '@revoked '), names)
    .map(([marker, all]) => `${marker}${all} ssh-ed25519 ${KEY}`);

  it('finds the same lines', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), host, fc.constantFrom(22, 2222), (lines, name, port) => {
        const text = `${lines.join('\n')}\n`;
        const asked = knownName(name, port);
        const known = parseKnownHosts([{ file: 'f', text }]);
        const ours = findKnown(known, asked).map((one) => Number(one.at.slice(2)));
        expect(ours.toSorted()).toEqual(oracle(text, asked));
      }),
      { numRuns: 40 },
    );
  });

  it('finds names that ssh-keygen -H has hashed', () => {
    const file = join(folder, 'hashed');
    writeFileSync(file, `app1 ssh-ed25519 ${KEY}\n[app2]:2222 ssh-ed25519 ${KEY}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    const text = execFileSync('cat', [file], { encoding: 'utf8' });
    expect(text).not.toContain('app1');
    expect(found(text, 'app1')).toEqual(['key known_hosts:1']);
    expect(found(text, '[app2]:2222')).toEqual(['key known_hosts:2']);
    expect(found(text, 'app2')).toEqual([]);
  });

  it('appends lines that ssh-keygen finds, plain and hashed, side by side', async () => {
    const file = join(folder, 'new', 'known_hosts');
    const bytes = Buffer.from(KEY, 'base64');
    await appendKnownHost(file, { name: 'first', keyType: 'ssh-ed25519', blob: bytes, isHashed: false });
    // As an editor may leave it: without the last newline.
    writeFileSync(file, `first ssh-ed25519 ${KEY}`);
    await appendKnownHost(file, { name: '[second]:2222', keyType: 'ssh-ed25519', blob: bytes, isHashed: true });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        appendKnownHost(file, { name: `many${index}`, keyType: 'ssh-ed25519', blob: bytes, isHashed: false }),
      ),
    );
    const text = execFileSync('cat', [file], { encoding: 'utf8' });
    expect(oracle(text, 'first')).toEqual([1]);
    expect(oracle(text, '[second]:2222')).toEqual([2]);
    expect(text.split('\n')).toHaveLength(23);
    const known = await readKnownHosts([file, join(folder, 'not-there')]);
    expect(findKnown(known, 'many19')).toHaveLength(1);
    expect(findKnown(known, '[second]:2222')).toHaveLength(1);
  });
});
