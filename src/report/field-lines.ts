import type { Field } from '../resource/change.ts';
import type { Style } from './style.ts';
import { printableLine } from './text.ts';

/**
 * The fields of a change, a line each: `mode 0644 -> 0600`; only the side that exists where there is one. What belongs
 * together is one line: mode, owner and group of a new thing, and several names of one directory that fare alike.
 */
export function fieldLines(fields: readonly Field[], style: Style): string[] {
  const lines: string[] = [];
  for (let at = 0; at < fields.length; ) {
    const { line, taken } = ownership(fields, at, style) ?? alike(fields, at, style);
    lines.push(line);
    at += taken;
  }
  return lines;
}

interface Line {
  readonly line: string;
  /** Fields that it tells. */
  readonly taken: number;
}

const OWNERSHIP = ['mode', 'owner', 'group'];

/** `/etc/x mode 0644, owner root, group root` */
function ownership(fields: readonly Field[], from: number, style: Style): Line | undefined {
  const prefix = fields[from]?.name.replace(/mode$/, '') ?? '';
  const three = fields.slice(from, from + OWNERSHIP.length);
  const isNew = three.every((one, at) => one.from === undefined && one.name === `${prefix}${OWNERSHIP[at]}`);
  if (!isNew || three.length < OWNERSHIP.length) return undefined;
  const told = three.map(({ to = '' }, at) => `${OWNERSHIP[at]} ${style.green(shown(to))}`);
  return { line: `${printableLine(prefix)}${told.join(', ')}`, taken: three.length };
}

/** `/etc/x/enabled a, b, c: present -> (none)`, or one field. */
function alike(fields: readonly Field[], at: number, style: Style): Line {
  const first = fields[at];
  if (first === undefined) return { line: '', taken: 1 };
  const directory = /^\/\S* /.exec(first.name)?.[0];
  const isAlike = ({ name, from, to }: Field) =>
    directory !== undefined && name.startsWith(directory) && from === first.from && to === first.to;
  let end = at + 1;
  for (let next = fields[end]; next !== undefined && isAlike(next); next = fields[end]) end += 1;
  const same = fields.slice(at, end);
  if (directory === undefined || same.length === 1) return { line: fieldLine(first, first.name, style), taken: 1 };
  const names = same.map(({ name }) => name.slice(directory.length));
  return { line: fieldLine(first, `${directory}${names.join(', ')}:`, style), taken: same.length };
}

function fieldLine({ from, to }: Field, name: string, style: Style): string {
  const label = printableLine(name);
  if (from === undefined) return `${label} ${style.green(shown(to ?? ''))}`;
  return `${label} ${style.red(shown(from))} -> ${to === undefined ? '(none)' : style.green(shown(to))}`;
}

const shown = (value: string) => (value === '' ? '""' : printableLine(value));
