import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCompiled } from '../../../src/published/compiled-script.ts';

let base: string;
let path: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'farmctl-compiled-'));
  path = join(base, 'sum-1.cjs');
  writeFileSync(
    path,
    "const { basename } = require('node:path');\nexports.sum = (a, b) => a + b;\nexports.name = basename(__filename);",
  );
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const start = (purpose = 'adding') => runCompiled(path, { folder: join(base, 'kept'), purpose });
const sumOf = ({ exports }: { readonly exports: unknown }) =>
  (exports as { sum: (a: number, b: number) => number }).sum(1, 2);
const kept = () => readdirSync(join(base, 'kept'));
const keptPath = () => join(base, 'kept', kept()[0] ?? '');

test('a script runs as a CommonJS module, kept or not', () => {
  const first = start();
  expect(first.exports).toMatchObject({ name: 'sum-1.cjs' });
  expect(sumOf(first)).toBe(3);
  first.keep();
  expect(sumOf(start())).toBe(3);
  expect(sumOf(runCompiled(path, undefined))).toBe(3);
});

test('what functions were compiled while it ran is kept once, for each purpose', () => {
  start().keep();
  const bare = readFileSync(keptPath()).byteLength;
  rmSync(keptPath());
  const first = start();
  sumOf(first);
  first.keep();
  expect(readFileSync(keptPath()).byteLength).toBeGreaterThan(bare);
  const { ino } = statSync(keptPath());
  start().keep();
  expect(statSync(keptPath()).ino).toBe(ino);
  start('other').keep();
  expect(kept()).toHaveLength(2);
});

test('what is kept is nobody else’s to read or write, and is not taken where it could be', () => {
  start().keep();
  expect(statSync(keptPath()).mode & 0o777).toBe(0o600);
  const { ino } = statSync(keptPath());
  chmodSync(keptPath(), 0o620);
  start().keep();
  expect(statSync(keptPath())).toMatchObject({ mode: 0o100600 });
  expect(statSync(keptPath()).ino).not.toBe(ino);
});

test('what was damaged since is not run, but made anew', () => {
  start().keep();
  const good = readFileSync(keptPath());
  for (const bad of [good.subarray(0, 100), good.with(200, 255 - (good[200] ?? 0)), Buffer.alloc(good.byteLength)]) {
    writeFileSync(keptPath(), bad);
    const next = start();
    expect(sumOf(next)).toBe(3);
    next.keep();
    expect(readFileSync(keptPath()).equals(bad)).toBe(false);
  }
});

test('what an older version kept stays for a while', () => {
  start().keep();
  const older = keptPath();
  path = join(base, 'sum-2.cjs');
  writeFileSync(path, 'exports.sum = (a, b) => b + a;');
  start().keep();
  expect(kept()).toHaveLength(2);
  utimesSync(older, 1, 1);
  start('other').keep();
  expect(kept().map((name) => name.replace(/\d{3,}/, 'TAG'))).toEqual(['sum-2.cjs.TAG.adding', 'sum-2.cjs.TAG.other']);
});

test('a folder that cannot be made costs nothing but time', () => {
  writeFileSync(join(base, 'kept'), '');
  const script = start();
  script.keep();
  expect(sumOf(script)).toBe(3);
});
