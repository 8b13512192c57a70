import type { CheckResult } from '../engine/run.ts';
import { hostList } from './host-list.ts';
import type { Style } from './style.ts';
import { count, duration, printableLine } from './text.ts';

/** Checks by part: what is good in one line for all hosts, what is not with its reason, once for the same reason. */
export function renderChecks(checks: readonly CheckResult[], style: Style): string {
  const lines: string[] = [];
  for (const [part, ofPart] of Map.groupBy(checks, (check) => check.part)) {
    lines.push(style.bold(printableLine(part)));
    for (const [name, same] of Map.groupBy(ofPart, (check) => check.name)) {
      const label = printableLine(name);
      const good = same.filter((check) => check.ok);
      const finding = good.find((check) => check.isFinding)?.detail;
      const told = finding === undefined ? label : `${label}: ${printableLine(finding)}`;
      if (good.length > 0) lines.push(`  ${style.green('ok')}      ${told}  ${style.dim(goodNote(good))}`);
      const bad = Map.groupBy(
        same.filter((check) => !check.ok),
        (check) => check.detail,
      );
      for (const [detail, failed] of bad) {
        const on = hostList(failed.map((check) => check.host));
        lines.push(`  ${style.red('FAILED')}  ${label}  on ${on}: ${printableLine(detail)}`);
      }
    }
    lines.push('');
  }
  const failed = checks.filter((check) => !check.ok).length;
  const hosts = new Set(checks.map((check) => check.host)).size;
  const sum = `${count(checks.length, 'check')} on ${count(hosts, 'host')}: ${checks.length - failed} ok, ${failed} failed.`;
  if (checks.length === 0) lines.push(style.yellow('No checks are declared for what was selected.'));
  else lines.push(failed > 0 ? style.red(sum) : style.green(sum));
  return `${lines.join('\n')}\n`;
}

function goodNote(good: readonly CheckResult[]): string {
  const slowest = Math.max(...good.map((check) => check.durationMs));
  const time = good.length === 1 ? duration(slowest) : `slowest ${duration(slowest)}`;
  return `on ${hostList(good.map((check) => check.host))} (${time})`;
}
