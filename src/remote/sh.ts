/** Shell text that is safe to run: only `sh` and `join` make it. */
export class Script {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What may stand in a hole of the `sh` tag: text is quoted, a list becomes quoted words, a script stays as it is. */
export type Word = string | number | Script | readonly (string | number)[];

/**
 * One word for a POSIX shell, whatever it holds.
 * @throws Error for a NUL byte, which no argument can carry.
 */
export function quote(value: string): string {
  if (value.includes('\0')) throw new Error('a shell word cannot hold a NUL byte');
  if (/^[A-Za-z0-9_@%+:,./-]+$/.test(value)) return value;
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function word(value: Word): string {
  if (value instanceof Script) return value.text;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quote(value);
  return value.map((one) => word(one)).join(' ');
}

/**
 * Shell text with quoted holes: sh`rm -f -- ${path}`. A hole must not stand inside quotes: the quoting is the tag's.
 * Backslashes are taken as written, so `\n` reaches the shell as two characters.
 */
export function sh(strings: TemplateStringsArray, ...holes: readonly Word[]): Script {
  let text = strings.raw[0] ?? '';
  for (const [index, hole] of holes.entries()) {
    if (!(hole instanceof Script) && /["']$/.test(text)) throw new Error(`a hole of sh stands inside quotes: ${text}`);
    text += word(hole) + (strings.raw[index + 1] ?? '');
  }
  return new Script(text);
}

/** The scripts one after the other, a line each. */
export function joinScripts(scripts: readonly Script[], separator = '\n'): Script {
  return new Script(scripts.map((one) => one.text).join(separator));
}
