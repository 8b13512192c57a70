import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheFolder, ownCacheFolder } from '../../../src/cli/cache-folder.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'farmctl-home-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

test('the folder lies where the user keeps such things', () => {
  expect(cacheFolder({ HOME: '/home/anna' })).toBe('/home/anna/.cache/farmctl');
  expect(cacheFolder({ HOME: '/home/anna', XDG_CACHE_HOME: '/var/tmp/anna' })).toBe('/var/tmp/anna/farmctl');
  expect(cacheFolder({ HOME: '/home/anna', XDG_CACHE_HOME: '' })).toBe('/home/anna/.cache/farmctl');
  expect(cacheFolder({})).toBeUndefined();
});

test('code is kept there whether or not it is there yet', () => {
  const folder = join(home, '.cache/farmctl');
  expect(ownCacheFolder({ HOME: home })).toBe(folder);
  mkdirSync(folder, { recursive: true });
  expect(ownCacheFolder({ HOME: home })).toBe(folder);
  expect(ownCacheFolder({})).toBeUndefined();
});

test('no code is taken from where everybody may put it', () => {
  mkdirSync(join(home, 'shared'));
  chmodSync(join(home, 'shared'), 0o1777);
  expect(ownCacheFolder({ XDG_CACHE_HOME: join(home, 'shared') })).toBeUndefined();
  mkdirSync(join(home, 'elsewhere'));
  mkdirSync(join(home, '.cache'));
  symlinkSync(join(home, 'elsewhere'), join(home, '.cache/farmctl'));
  expect(ownCacheFolder({ HOME: home })).toBeUndefined();
});

test.runIf(process.geteuid?.() === 0)(
  "no code is taken from another user's home, as under a sudo that keeps HOME",
  () => {
    mkdirSync(join(home, '.cache/farmctl'), { recursive: true });
    chownSync(join(home, '.cache'), 1234, 1234);
    expect(ownCacheFolder({ HOME: home })).toBeUndefined();
  },
);
