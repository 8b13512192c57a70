import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LOADER } from '../../../src/remote/loader.ts';
import { runtime } from '../../../src/remote/runtime.ts';
import { Script, sh } from '../../../src/remote/sh.ts';

const folder = mkdtempSync(join(tmpdir(), 'farmctl-runtime-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NONCE = '0123456789abcdef0123456789abcdef';
const mark = join(folder, 'mark');

/** What a shell that is told to read `length` bytes prints when only these come. */
function loaded(text: string, length: number): string {
  rmSync(mark, { force: true });
  return spawnSync('sh', ['-c', LOADER], { input: `${length}\n${text}`, encoding: 'utf8' }).stdout;
}

describe('a first request that comes along with the runtime', () => {
  const requests = [sh`: >${mark}`, new Script(`${sh`: >${mark}`.text}\ncat <<'X'\n}\nX`), sh`: >${mark}; exit 3`];

  it.each(requests)('runs, and its status is told: %s', (request) => {
    const { text } = runtime(NONCE, request);
    const told = loaded(`${text}\n#`, text.length + 2);
    expect(told).toContain(`@${NONCE} exit ${request.text.endsWith('exit 3') ? 3 : 0}\n`);
    expect(existsSync(mark)).toBe(true);
  });

  it('does not run where a part of it is missing', () => {
    const { text } = runtime(NONCE, sh`: >${mark}`);
    const end = text.lastIndexOf('serve first');
    const ran: number[] = [];
    for (let cut = text.indexOf('first()'); cut < end + 'serve firs'.length; cut += 1) {
      loaded(text.slice(0, cut), text.length);
      if (existsSync(mark)) ran.push(cut);
    }
    expect(ran).toEqual([]);
  });

  it('may be empty', () => {
    const { text } = runtime(NONCE, new Script(''));
    expect(loaded(text, text.length)).toContain(`@${NONCE} exit 0\n`);
  });
});
