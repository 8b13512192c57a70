import { structuredPatch } from 'diff';
import { MASK } from '../model/secret.ts';
import type { TextChange } from '../resource/change.ts';
import { shortLine, shortList } from './shorten.ts';
import type { Style } from './style.ts';
import { count } from './text.ts';

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
    return [...painted(lines, addition, options), note];
  }
  const { before, after } = change;
  if (before === undefined && after === undefined) return [style.dim('(content is not text)')];
  if (before === undefined) return painted(splitLines(after ?? ''), addition, options);
  if (after === undefined) return painted(splitLines(before), removal, options);
  const patch = structuredPatch('', '', before, after, undefined, undefined, {
    context: 3,
    timeout: options.timeoutMs ?? DIFF_TIMEOUT_MS,
  });
  if (patch === undefined) {
    const [old, wanted] = [splitLines(before).length, splitLines(after).length];
    return [style.yellow(`${count(old, 'line')} replaced by ${wanted}`)];
  }
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: all }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...(options.full ? all : withoutOldComments(all)),
  ]);
  return painted(lines, paint, options);
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

type PaintLine = (line: string, options: DiffOptions) => string;

const paint: PaintLine = (line, options) => {
  if (line.startsWith('+')) return addition(line.slice(1), options);
  if (line.startsWith('-')) return removal(line.slice(1), options);
  if (line.startsWith('@')) return options.style.cyan(line);
  return line.startsWith('\\') ? options.style.dim(line) : shortLine(line, options);
};

const addition: PaintLine = (line, options) => options.style.green(`+${shortLine(line, options)}`);
const removal: PaintLine = (line, options) => options.style.red(`-${shortLine(line, options)}`);

function painted(lines: readonly string[], paintLine: PaintLine, options: DiffOptions): string[] {
  return shortList(lines, (line) => paintLine(line, options), 'line', options);
}

function splitLines(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
