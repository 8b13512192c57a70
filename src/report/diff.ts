import { structuredPatch } from 'diff';
import { MASK } from '../model/secret.ts';
import type { TextChange } from '../resource/change.ts';
import type { Style } from './style.ts';
import { count, printable } from './text.ts';

/** Lines of one file's diff that are shown where nobody asked for all of them (`-D`). */
export const SHORT_DIFF_LINES = 40;

/** Comparing two wholly different files is dear: after so long the numbers of lines are said instead. */
const DIFF_TIMEOUT_MS = 500;

export interface DiffOptions {
  readonly style: Style;
  /** True: all lines, however many. */
  readonly full: boolean;
  /** For tests of the fallback. */
  readonly timeoutMs?: number;
}

/** The lines of a unified diff with three lines around each change, without file header. */
export function diffLines(change: TextChange, options: DiffOptions): string[] {
  const { style } = options;
  if (change.sensitive) {
    const note = style.dim('(sensitive: the old content and lines with secrets are not shown)');
    const lines = splitLines(change.after ?? '').filter((line) => !line.includes(MASK));
    return [
      ...shorten(
        lines.map((line) => addition(line, style)),
        options,
      ),
      note,
    ];
  }
  const { before, after } = change;
  if (before === undefined && after === undefined) return [style.dim('(content is not text)')];
  if (before === undefined)
    return shorten(
      splitLines(after ?? '').map((line) => addition(line, style)),
      options,
    );
  if (after === undefined)
    return shorten(
      splitLines(before).map((line) => removal(line, style)),
      options,
    );
  const patch = structuredPatch('', '', before, after, undefined, undefined, {
    context: 3,
    timeout: options.timeoutMs ?? DIFF_TIMEOUT_MS,
  });
  if (patch === undefined) {
    const [old, wanted] = [splitLines(before).length, splitLines(after).length];
    return [style.yellow(`${count(old, 'line')} replaced by ${wanted}`)];
  }
  const lines: string[] = [];
  for (const hunk of patch.hunks) {
    lines.push(style.cyan(`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`));
    for (const line of options.full ? hunk.lines : withoutOldComments(hunk.lines)) lines.push(paint(line, style));
  }
  return shorten(lines, options);
}

/** So many comments in a row that go with the old text are worth a line that says so. */
const FEWEST_COMMENTS = 3;

/**
 * Comments and empty lines of the old text say nothing of what will be in force: a distribution's own files are mostly
 * that. Runs of them become one line that begins with the sign of a remark, as diffs have it.
 */
function withoutOldComments(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let run: string[] = [];
  const close = () => {
    kept.push(...(run.length < FEWEST_COMMENTS ? run : [`\\ ${count(run.length, 'line')} of comments removed`]));
    run = [];
  };
  for (const line of lines) {
    if (/^-\s*(#|;|\/\/|$)/.test(line)) {
      run.push(line);
      continue;
    }
    close();
    kept.push(line);
  }
  close();
  return kept;
}

function paint(line: string, style: Style): string {
  if (line.startsWith('+')) return addition(line.slice(1), style);
  if (line.startsWith('-')) return removal(line.slice(1), style);
  return line.startsWith('\\') ? style.dim(line) : printable(line);
}

const addition = (line: string, style: Style) => style.green(`+${printable(line)}`);
const removal = (line: string, style: Style) => style.red(`-${printable(line)}`);

function splitLines(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function shorten(lines: readonly string[], { full, style }: DiffOptions): string[] {
  // One line more is not worth a line that says so.
  if (full || lines.length <= SHORT_DIFF_LINES + 1) return [...lines];
  const hidden = lines.length - SHORT_DIFF_LINES;
  return [...lines.slice(0, SHORT_DIFF_LINES), style.dim(`… ${count(hidden, 'more line')} (-D shows all)`)];
}
