import { type Document, isCollection, isScalar, type Node, visit, type YAMLError } from 'yaml';
import { didYouMean } from '../lib/closest.ts';
import { type Diagnostic, type Place, problem } from '../model/diagnostic.ts';
import { placeAt, type SourceText } from './origin.ts';
import { TAG_NAMES } from './tags.ts';

const SUMMARY = 'YAML syntax error';

/** What the YAML parser found, one mistake a line: one makes it stumble several times, and the first says what it is. */
export function syntaxDiagnostics(source: SourceText, document: Document.Parsed): Diagnostic[] {
  const found: Diagnostic[] = [];
  const lines = new Set<number>();
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== '1.2') {
    const detail = `The text says that it is YAML ${version}: farmctl reads YAML 1.2.`;
    const rest = { at: placeAt(source, 0, source.text.length), hint: 'Remove the line %YAML.' };
    found.push(problem('inventory/syntax', SUMMARY, detail, rest));
  }
  for (const error of [...document.errors, ...document.warnings]) {
    const diagnostic = syntaxDiagnostic(source, document, error);
    const line = diagnostic.at?.line ?? 0;
    if (!lines.has(line)) found.push(diagnostic);
    lines.add(line);
  }
  return found;
}

function syntaxDiagnostic(source: SourceText, document: Document.Parsed, error: YAMLError): Diagnostic {
  const at = visiblePlace(source, error.pos[0], error.pos[1]);
  if (error.code === 'TAG_RESOLVE_FAILED' && error.message.startsWith('Unresolved tag')) {
    const tag = error.message.replace(/^Unresolved tag: ?/, '').replace('tag:yaml.org,2002:', '!!');
    const detail = `There is no tag "${tag}".${didYouMean(tag, TAG_NAMES)}`;
    const hint = 'The tags are !file PATH and !env NAME for secrets, !text PATH for the text of a file.';
    return problem('inventory/unknown-tag', 'Unknown tag', detail, { at, hint });
  }
  if (error.code === 'MULTIPLE_DOCS') {
    const detail = 'A second document begins here: an inventory is one document a file.';
    const hint = 'Put it into a file of its own and name that under "include".';
    return problem('inventory/syntax', SUMMARY, detail, { at, hint });
  }
  const unclosed = unclosedPlace(source, document, error);
  if (unclosed !== undefined) {
    const detail = `This ${unclosed.opener} is not closed.`;
    return problem('inventory/syntax', SUMMARY, detail, { at: unclosed.at });
  }
  const message = error.message.replace(/[.:]?\s*$/, '.');
  const hint = syntaxHint(source, error, at.line);
  return problem('inventory/syntax', SUMMARY, message, { at, ...(hint !== undefined && { hint }) });
}

/** Where there is something to be seen: the parser often points at the white space before it. */
function visiblePlace(source: SourceText, start: number, end: number): Place {
  const lineEnd = source.text.indexOf('\n', start);
  const line = source.text.slice(start, lineEnd === -1 ? undefined : lineEnd);
  const text = line.trimStart();
  if (text === '' || line.startsWith('\t')) return placeAt(source, start, Math.max(end, start + 1));
  const from = start + line.length - text.length;
  return placeAt(source, from, end > from + 1 ? end : from + text.trimEnd().length);
}

interface Unclosed {
  readonly at: Place;
  /** `quote`, `{`, `[`. */
  readonly opener: string;
}

/** The place of the quote or bracket that is open where the parser noticed. */
function unclosedPlace(source: SourceText, document: Document.Parsed, error: YAMLError): Unclosed | undefined {
  const isQuote = error.code === 'MISSING_CHAR' && error.message.includes('quote');
  const isFlow =
    /^Flow (map|sequence) /.test(error.message) || /^Expected flow (map|sequence) to end/.test(error.message);
  if (!isQuote && !isFlow) return undefined;
  let found: number | undefined;
  const look = (node: Node) => {
    const [start, end] = node.range ?? [0, 0];
    const isOpen = isQuote
      ? isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') && end >= error.pos[0]
      : isCollection(node) && node.flow === true && start < error.pos[0];
    if (isOpen && start <= error.pos[0] && (found === undefined || start > found)) found = start;
  };
  visit(document, { Node: (_key, node) => look(node) });
  if (found === undefined) return undefined;
  const letter = source.text.charAt(found);
  return { at: placeAt(source, found, found + 1), opener: isQuote ? 'quote' : `"${letter}"` };
}

function syntaxHint(source: SourceText, error: YAMLError, line: number): string | undefined {
  const text = source.text.split('\n', line)[line - 1] ?? '';
  if (error.code === 'TAB_AS_INDENT' || /^ *\t/.test(text)) return 'Indent with spaces: YAML allows no tabs there.';
  if (/\{\{|\{%/.test(text)) return 'There is no template language in an inventory: write the value itself.';
  switch (error.code) {
    case 'BAD_INDENT':
      return 'Entries of one map or list start in the same column.';
    case 'MISSING_CHAR':
      return 'Look for a missing quote, comma, bracket or colon here or in the line before.';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'Text that holds a colon and a space must be in quotes; else look for a missing line break or indent.';
    default:
      return undefined;
  }
}
