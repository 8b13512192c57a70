import type { Diagnostic, Place, Severity } from '../model/diagnostic.ts';
import { maskText } from '../model/secret.ts';
import type { Style } from './style.ts';
import { printable, printableLine } from './text.ts';

export interface DiagnosticOptions {
  readonly style: Style;
  /** The text of a file that a place names; undefined where it cannot be read: the line is then left out. */
  readonly readSource: (file: string) => string | undefined;
}

/** So many columns of a long line are shown around what is wrong in it. */
const FRAME_WIDTH = 110;

/**
 * Diagnostics as people read them: code and summary, the place with its line, what is wrong, one next step. Ends with a
 * newline; secrets are masked, control characters are written out.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: DiagnosticOptions): string {
  const lines = sourceLines(options.readSource);
  return diagnostics.map((one) => `${renderOne(one, options.style, lines).join('\n')}\n`).join('\n');
}

type LineReader = (place: Place) => string | undefined;

function renderOne(diagnostic: Diagnostic, style: Style, lineAt: LineReader): string[] {
  const { code, severity, summary, detail, hint, at, also = [], host, resource, output } = diagnostic;
  const paint = severityPaint(severity, style);
  const where = [host === undefined ? '' : `host ${host}`, resource ?? ''].filter((part) => part !== '').join(', ');
  return [
    `${paint(style.bold(`${severity}[${code}]`))}: ${style.bold(text(summary))}`,
    ...(where === '' ? [] : [`  ${text(where)}`]),
    ...(at === undefined ? [] : frame(at, undefined, paint, style, lineAt)),
    ...indented(detail),
    ...also.flatMap((other) => frame(other.at, other.label, style.cyan, style, lineAt)),
    ...(output === undefined || output === '' ? [] : outputLines(output, style)),
    ...(hint === undefined ? [] : [`  ${style.cyan('hint:')} ${indented(hint).join('\n').trimStart()}`]),
  ];
}

function severityPaint(severity: Severity, style: Style) {
  return { error: style.red, warning: style.yellow, note: style.cyan }[severity];
}

/** The place, its line, and a mark below what is meant. */
function frame(at: Place, label: string | undefined, paint: Style['red'], style: Style, lineAt: LineReader): string[] {
  const head = `${label === undefined ? '' : `${label}: `}${printableLine(at.file)}:${at.line}:${at.column}`;
  const line = lineAt(at);
  if (line === undefined) return [`  ${style.dim(head)}`];
  const column = Math.min(at.column, line.length + 1);
  const from = line.length > FRAME_WIDTH ? Math.max(0, column - 1 - FRAME_WIDTH / 2) : 0;
  const to = from + FRAME_WIDTH;
  const before = (from > 0 ? '…' : '') + shown(line.slice(from, column - 1));
  const marked = shown(line.slice(column - 1, Math.min(column - 1 + (at.length ?? 0), to)));
  const whole = (from > 0 ? '…' : '') + shown(line.slice(from, to)) + (to < line.length ? '…' : '');
  const number = String(at.line);
  const margin = ' '.repeat(number.length);
  return [
    `  ${style.dim(head)}`,
    `  ${style.dim(`${number} |`)} ${whole.trimEnd()}`,
    `  ${style.dim(`${margin} |`)} ${' '.repeat(before.length)}${paint('^'.repeat(Math.max(1, marked.length)))}`,
  ];
}

/** A piece of a line; a tab is one column wide, so that the mark stands below what it means. */
function shown(piece: string): string {
  return maskText(printable(piece.replaceAll('\t', ' ')));
}

function text(words: string): string {
  return maskText(printableLine(words));
}

function indented(words: string): string[] {
  return maskText(printable(words))
    .split('\n')
    .map((line) => `  ${line}`.trimEnd());
}

function outputLines(output: string, style: Style): string[] {
  return maskText(printable(output))
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => `  ${style.dim('>')} ${line}`.trimEnd());
}

/** Reads each file once, however many diagnostics it has. */
function sourceLines(readSource: (file: string) => string | undefined): LineReader {
  const files = new Map<string, readonly string[] | undefined>();
  return ({ file, line }) => {
    if (!files.has(file))
      files.set(
        file,
        readSource(file)
          ?.replace(/^\ufeff/, '')
          .split(/\r?\n/),
      );
    return files.get(file)?.[line - 1];
  };
}
