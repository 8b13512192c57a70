import type { Style } from './style.ts';
import { count, printable } from './text.ts';

/** What is shown where nobody asked for all (`-D`): entries of one list, and characters of one line. */
export const SHORT_LIST = 40;
const SHORT_LINE = 400;

export interface ShortenOptions {
  readonly style: Style;
  /** True: all, however much. */
  readonly full: boolean;
}

/**
 * A list, each entry as `show` tells it; of a long one the beginning and how many more there are.
 * @param noun what an entry is called: `line`
 */
export function shortList<T>(
  all: readonly T[],
  show: (one: T) => string,
  noun: string,
  { full, style }: ShortenOptions,
): string[] {
  // One more is not worth a line that says so.
  if (full || all.length <= SHORT_LIST + 1) return all.map(show);
  const hidden = all.length - SHORT_LIST;
  return [...all.slice(0, SHORT_LIST).map(show), style.dim(`… ${count(hidden, `more ${noun}`)} (-D shows all)`)];
}

/** A line, safe to print; of a very long one the beginning and how much more there is. */
export function shortLine(line: string, { full, style }: ShortenOptions): string {
  if (full || line.length <= 2 * SHORT_LINE) return printable(line);
  // The two halves of a character stay together.
  const shown = line.slice(0, SHORT_LINE).replace(/[\ud800-\udbff]$/, '');
  return `${printable(shown)}${style.dim(`… ${count(line.length - shown.length, 'more character')} (-D shows all)`)}`;
}
