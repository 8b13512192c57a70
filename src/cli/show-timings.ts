import type { HostResult } from '../engine/events.ts';
import { renderTimings } from '../report/timings.ts';
import type { Terminal } from './terminal.ts';

/** `--timings`: where the time went, on stderr. */
export function showTimings(results: readonly HostResult[], terminal: Terminal): void {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  // performance.now() counts from the start of the process.
  const own = { wallMs: performance.now(), cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMiB: maxRSS / 1024 };
  terminal.err(renderTimings(results, own));
}
