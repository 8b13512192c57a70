import type { RunEvent } from '../engine/events.ts';
import type { Style } from './style.ts';
import { count, duration, printableLine } from './text.ts';

/**
 * What one event says on a line of its own, or undefined where it only moves a counter. `verbosity` 1 (`-v`) adds each
 * connection and each part.
 */
export function eventLine(event: RunEvent, style: Style, verbosity: number): string | undefined {
  switch (event.kind) {
    case 'run-started':
      return style.dim(`Connecting to ${count(event.hosts.length, 'host')}`);
    case 'host-connected':
      return verbosity > 0 ? style.dim(`${event.host}: connected after ${duration(event.afterMs)}`) : undefined;
    case 'host-planned':
      return verbosity > 0
        ? style.dim(`${event.plan.host}: ${count(event.plan.changes.length, 'change')} planned (${event.plan.state})`)
        : undefined;
    case 'apply-started':
      return undefined;
    case 'part-started':
      return verbosity > 0 ? style.dim(`${event.host}: ${event.part} begins`) : undefined;
    case 'change-started':
      return verbosity > 1 ? style.dim(`${event.host}: ${event.change.part}: ${titleOf(event)} begins`) : undefined;
    case 'change-made': {
      const how = event.already ? 'already as desired' : `done in ${duration(event.durationMs)}`;
      const line = `${event.host}: ${event.change.part}: ${titleOf(event)}: ${how}`;
      return event.already ? style.dim(line) : line;
    }
    case 'change-failed':
      return failureLine(event.host, event, style);
    case 'part-finished':
      return event.outcome === 'done'
        ? undefined
        : style.yellow(`${event.host}: ${event.part}: ${wordOf(event.outcome)}`);
    case 'notice':
      return style.yellow(
        `${event.diagnostic.host === undefined ? '' : `${event.diagnostic.host}: `}${printableLine(event.diagnostic.detail)}`,
      );
    case 'host-finished': {
      const { host, outcome } = event.result;
      if (outcome === 'ok' || outcome === 'changed') return undefined;
      const paint = outcome === 'failed' || outcome === 'unreachable' ? style.red : style.yellow;
      return paint(`${host}: ${wordOf(outcome)}`);
    }
  }
}

/** The line of a failed change, in the log and above the rows alike. */
function failureLine(host: string, event: RunEvent & { kind: 'change-failed' }, style: Style): string {
  const { summary } = event.diagnostic;
  return style.red(`${host}: ${event.change.part}: ${titleOf(event)}: failed: ${printableLine(summary)}`);
}

function titleOf({ change }: { change: { action: string; type: string; title: string } }): string {
  return printableLine(`${change.action} ${change.type} ${change.title}`);
}

const wordOf = (outcome: string) => outcome.replaceAll('-', ' ');
