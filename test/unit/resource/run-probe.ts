import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { frameReader } from '../../../src/remote/frame.ts';
import { type ProbeAnswers, readAnswers } from '../../../src/remote/record.ts';
import { probePrelude } from '../../../src/remote/runtime.ts';
import type { Script } from '../../../src/remote/sh.ts';
import type { Observed, Resource } from '../../../src/resource/define.ts';

/** Runs a probe's script in this machine's `sh`, as the runtime would on a host. */
export function runProbe(script: Script, options: { cwd?: string; path?: string } = {}): ProbeAnswers {
  const nonce = randomBytes(16).toString('hex');
  // A PATH of the test's own stands before the fixed one; the last frame tells that the script came to its end.
  const path = options.path === undefined ? '' : `PATH=${options.path}\n`;
  const text = `${probePrelude(nonce, 'probe').text}${path}${script.text}\nframe over\nframe over\n`;
  const done = spawnSync('sh', ['-c', text], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const frames = frameReader(nonce, 16 * 1024 * 1024).push(done.output[3] as unknown as Uint8Array);
  const stderr = done.stderr.toString();
  if (!frames.some((frame) => frame.words[0] === 'over')) throw new Error(`the probe ended early: ${stderr}`);
  if (stderr !== '') throw new Error(`the probe complained: ${stderr}`);
  return readAnswers(frames);
}

/** What the probe of the resources' type finds on this machine, in their order. */
export function observe<D>(resources: readonly Resource<D>[], options: { path?: string } = {}): Observed<unknown>[] {
  const [first] = resources;
  if (first === undefined) return [];
  const answers = runProbe(first.type.probe(resources.map((one) => one.desired)), options);
  return resources.map(({ type, desired }, index) => {
    const record = answers.records.get('probe')?.get(index);
    if (record === undefined) throw new Error(`no record of ${type.type} number ${index}`);
    return type.parse(record, desired);
  });
}
