import { Chalk } from 'chalk';

/** Wraps a text in a colour, or leaves it as it is. */
export type Paint = (text: string) => string;

/** The few looks that all views share, so that one thing looks the same everywhere. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
  readonly magenta: Paint;
}

/** The colours of a terminal, or none. The decision is the caller's: see `wantsColour`. */
export function createStyle(colour: boolean): Style {
  const { bold, dim, red, green, yellow, cyan, magenta } = new Chalk({ level: colour ? 1 : 0 });
  return { bold, dim, red, green, yellow, cyan, magenta };
}

/** No colours: for files, pipes and tests. */
export const plainStyle: Style = createStyle(false);

/** True if what is written to that stream should have colours: NO_COLOR wins over FORCE_COLOR, which wins over the terminal. */
export function wantsColour(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '') return false;
  const forced = environment['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTerminal && environment['TERM'] !== 'dumb';
}
