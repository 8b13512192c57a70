import type { HostResult } from '../engine/events.ts';
import { columns, duration } from './text.ts';

const PHASES = [
  ['connect', 'connectMs'],
  ['probe', 'probeMs'],
  ['compute', 'computeMs'],
  ['apply', 'applyMs'],
] as const;

/** What the whole run took of this machine. */
export interface OwnUsage {
  /** From the start of the process. */
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
  readonly peakMiB: number;
}

/** Where the time went, by host and by part, the slowest first: for `--timings`. */
export function renderTimings(results: readonly HostResult[], own?: OwnUsage): string {
  const total = ({ timings }: HostResult) => PHASES.reduce((sum, [, phase]) => sum + timings[phase], 0);
  const sorted = results.toSorted((a, b) => total(b) - total(a));
  const rows = sorted.map((result) => [
    result.host,
    ...PHASES.map(([, phase]) => duration(result.timings[phase])),
    duration(total(result)),
  ]);
  const hosts = columns([['host', ...PHASES.map(([label]) => label), 'total'], ...rows]);
  const lines = [...hosts, ...partLines(results)];
  if (own !== undefined)
    lines.push(
      '',
      `farmctl itself: ${duration(own.wallMs)} from start to end, ${duration(own.cpuMs)} of CPU, ${Math.round(own.peakMiB)} MiB at most`,
    );
  return `${lines.join('\n')}\n`;
}

/** Each part over its hosts: their number, the sum, and the slowest. */
function partLines(results: readonly HostResult[]): string[] {
  const parts = new Map<string, { hosts: number; sumMs: number; mostMs: number; slowest: string }>();
  for (const { host, timings } of results)
    for (const [part, ms] of Object.entries(timings.partsMs)) {
      const known = parts.get(part) ?? { hosts: 0, sumMs: 0, mostMs: -1, slowest: '' };
      const isSlowest = ms > known.mostMs;
      parts.set(part, {
        hosts: known.hosts + 1,
        sumMs: known.sumMs + ms,
        mostMs: isSlowest ? ms : known.mostMs,
        slowest: isSlowest ? host : known.slowest,
      });
    }
  if (parts.size === 0) return [];
  const sorted = [...parts].sort(([, a], [, b]) => b.sumMs - a.sumMs);
  const rows = sorted.map(([part, { hosts, sumMs, mostMs, slowest }]) => [
    part,
    String(hosts),
    duration(sumMs / hosts),
    `${duration(mostMs)} on ${slowest}`,
  ]);
  return ['', ...columns([['part', 'hosts', 'mean', 'slowest'], ...rows])];
}
