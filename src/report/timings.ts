import type { HostResult } from '../engine/events.ts';
import { columns, duration } from './text.ts';

const PHASES = [
  ['connect', 'connectMs'],
  ['probe', 'probeMs'],
  ['compute', 'computeMs'],
  ['apply', 'applyMs'],
] as const;

/** Where the time went, the slowest host first: for `--timings`. */
export function renderTimings(results: readonly HostResult[]): string {
  const total = ({ timings }: HostResult) => PHASES.reduce((sum, [, phase]) => sum + timings[phase], 0);
  const sorted = results.toSorted((a, b) => total(b) - total(a));
  const rows = sorted.map((result) => [
    result.host,
    ...PHASES.map(([, phase]) => duration(result.timings[phase])),
    duration(total(result)),
  ]);
  return `${columns([['host', ...PHASES.map(([label]) => label), 'total'], ...rows]).join('\n')}\n`;
}
