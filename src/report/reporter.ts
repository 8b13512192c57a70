import type { RunEvent } from '../engine/events.ts';
import { eventLine } from './progress.ts';
import type { Style } from './style.ts';

/** Shows a run while it goes on. `report` must not throw. */
export interface ProgressReporter {
  report(event: RunEvent): void;
  /** Prints a line, out of the way of what moves. */
  tell(line: string): void;
  /** Does something that needs the screen for itself, such as a question. What happens meanwhile is told afterwards. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Takes everything that moves off the screen: before the result is printed or a question asked. May be called twice. */
  stop(): Promise<void>;
}

/** Plain lines: for logs, pipes, CI and `-v`. */
export function createPlainReporter(write: (text: string) => void, style: Style, verbosity: number): ProgressReporter {
  return {
    report(event) {
      const line = eventLine(event, style, verbosity);
      if (line !== undefined) write(`${line}\n`);
    },
    tell: (line) => write(`${line}\n`),
    aside: (work) => work(),
    stop: () => Promise.resolve(),
  };
}
