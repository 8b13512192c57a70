import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../lab/command.ts';

/** What one run of a program took. */
export interface Sample {
  readonly wallMs: number;
  /** User and system time of the program itself, of what it waited for on other machines nothing. */
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly result: CommandResult;
}

/** Starts words with an environment and waits for the end. */
export type Start = (words: readonly string[], env: Readonly<Record<string, string>>) => Promise<CommandResult>;

/** Measures one run of a Node program. @throws Error where it ends with another status than those given */
export async function sample(
  start: Start,
  words: readonly string[],
  { scratch, statuses = [0] }: { readonly scratch: string; readonly statuses?: readonly number[] },
): Promise<Sample> {
  const path = join(scratch, 'usage.json');
  const usage = fileURLToPath(new URL('usage.cjs', import.meta.url));
  const result = await start(words, { NODE_OPTIONS: `--require ${usage}`, FARMCTL_BENCH_USAGE: path });
  if (!statuses.includes(result.exitCode ?? -1))
    throw new Error(`${words.slice(1).join(' ')} ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`);
  const used = JSON.parse(await readFile(path, 'utf8')) as { cpuMs: number; maxRSS: number };
  return { wallMs: result.durationMs, cpuMs: used.cpuMs, peakMiB: used.maxRSS / 1024, result };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [upper = 0, lower = upper] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}

/** One figure: a value, what it is held against, and what it cost the controller. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ratio' | 'ms' | 'MiB' | 'round trips';
  /** The most that it may be. */
  readonly target: number | undefined;
  readonly detail: string;
  readonly cpuMs?: number;
  readonly peakMiB?: number;
}

/** CPU and memory of several runs, for a figure. */
export function costs(samples: readonly Sample[]): { cpuMs: number; peakMiB: number } {
  return { cpuMs: median(samples.map((one) => one.cpuMs)), peakMiB: Math.max(...samples.map((one) => one.peakMiB)) };
}
