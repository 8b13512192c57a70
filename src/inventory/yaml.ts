import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type ScalarTag,
  type YAMLMap,
} from 'yaml';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { keyPlace, placeAt, rememberSpot, type SourceText } from './origin.ts';
import { syntaxDiagnostics } from './syntax.ts';
import { TAG_NAMES, type TagKind, TagRequest, UNREADABLE } from './tags.ts';

/** What a text says: plain values, and the tags in it that wait for their files and variables. */
export interface ParsedText {
  readonly value: unknown;
  readonly requests: readonly TagRequest[];
  readonly diagnostics: readonly Diagnostic[];
}

/** More nodes than this through aliases is an attack or an accident: the largest farms are written out. */
const MAX_ALIASED_NODES = 500_000;

/** A warning that an error at the same place makes superfluous. */
export const LEADING_ZERO = 'inventory/leading-zero';

const customTags: ScalarTag[] = TAG_NAMES.map((tag) => ({ tag, resolve: (text: string) => text }));

/** A source for `parseYaml`. */
export function sourceText(file: string, folderPath: string, text: string): SourceText {
  return { file, folderPath, text, lines: new LineCounter() };
}

/** Parses one text. Syntax errors, duplicate keys, unknown tags: all are reported, none is thrown. */
export function parseYaml(source: SourceText): ParsedText {
  let document: Document.Parsed;
  try {
    document = parseDocument(source.text, {
      lineCounter: source.lines,
      uniqueKeys: false,
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
      customTags: (tags) => [...tags, ...customTags],
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const detail = `${source.file} is nested so deeply that it cannot be read.`;
    return { value: undefined, requests: [], diagnostics: [problem('inventory/syntax', 'YAML syntax error', detail)] };
  }
  const diagnostics = syntaxDiagnostics(source, document);
  if (diagnostics.length > 0) return { value: undefined, requests: [], diagnostics };
  const walk: Walk = { source, document, diagnostics, requests: [], open: new Set(), aliasDepth: 0, aliasedNodes: 0 };
  const value = document.contents === null ? undefined : toValue(walk, document.contents, []);
  // What hangs together by so many aliases is not worth a look at its details.
  if (walk.aliasedNodes > MAX_ALIASED_NODES) return { value: undefined, requests: [], diagnostics };
  return { value, requests: walk.requests, diagnostics };
}

interface Walk {
  readonly source: SourceText;
  readonly document: Document.Parsed;
  readonly diagnostics: Diagnostic[];
  readonly requests: TagRequest[];
  /** Anchored nodes that the walk is inside of. */
  readonly open: Set<Node>;
  aliasDepth: number;
  aliasedNodes: number;
}

function toValue(walk: Walk, node: Node, path: readonly string[]): unknown {
  if (walk.aliasDepth > 0 && ++walk.aliasedNodes > MAX_ALIASED_NODES) return null;
  if (isScalar(node)) {
    const kind = tagKind(node.tag);
    if (kind !== undefined) return new TagRequest(kind, String(node.value ?? ''), walk.source, node.range);
    if (typeof node.value === 'number') warnLeadingZero(walk, node);
    return node.value;
  }
  if (isAlias(node)) return fromAlias(walk, node, path);
  if (isMap(node)) return fromMap(walk, node, path);
  if (!isSeq(node)) return undefined;
  const list: unknown[] = [];
  for (const [index, item] of node.items.entries()) {
    const entry = item as Node | null;
    const value = entry === null ? null : toValue(walk, entry, path);
    list.push(value);
    rememberSpot(list, String(index), { source: walk.source, key: undefined, value: entry ?? undefined });
    if (value instanceof TagRequest) walk.requests.push(value.into(list, index));
  }
  return list;
}

function fromAlias(walk: Walk, alias: Node, path: readonly string[]): unknown {
  const target = isAlias(alias) ? alias.resolve(walk.document) : undefined;
  const at = placeAt(walk.source, ...rangeOf(alias));
  if (target === undefined) {
    const detail = 'There is no anchor of this name before this alias.';
    const hint = 'Text that begins with * must be in quotes.';
    walk.diagnostics.push(problem('inventory/alias', 'Unknown anchor', detail, { at, hint }));
    return UNREADABLE;
  }
  if (walk.open.has(target)) {
    const detail = 'This alias stands inside the very thing that it stands for.';
    walk.diagnostics.push(problem('inventory/alias', 'Alias of itself', detail, { at }));
    return UNREADABLE;
  }
  const before = walk.aliasedNodes;
  walk.aliasDepth++;
  const value = toValue(walk, target, path);
  walk.aliasDepth--;
  if (before <= MAX_ALIASED_NODES && walk.aliasedNodes > MAX_ALIASED_NODES && walk.aliasDepth === 0) {
    const detail = `The aliases stand for more than ${MAX_ALIASED_NODES} values.`;
    walk.diagnostics.push(problem('inventory/alias', 'Too many aliases', detail, { at }));
  }
  return value;
}

function fromMap(walk: Walk, map: YAMLMap, path: readonly string[]): unknown {
  const object: Record<string, unknown> = {};
  let isBroken = false;
  if (map.anchor !== undefined) walk.open.add(map);
  for (const pair of map.items) {
    const key = pair.key as Node | null;
    const value = (pair.value ?? undefined) as Node | undefined;
    const name = keyText(walk, key);
    const at = placeAt(walk.source, ...rangeOf(key ?? map));
    if (name === undefined) {
      walk.diagnostics.push(badKey(key, at));
      isBroken = true;
    } else if (name === '__proto__') {
      walk.diagnostics.push(problem('inventory/bad-key', 'Key cannot be used', 'No key may be "__proto__".', { at }));
    } else if (Object.hasOwn(object, name)) {
      walk.diagnostics.push(duplicateKey(object, name, path, at));
    } else {
      const entry = value === undefined ? null : toValue(walk, value, [...path, name]);
      object[name] = entry;
      rememberSpot(object, name, { source: walk.source, key: key ?? undefined, value });
      if (entry instanceof TagRequest) walk.requests.push(entry.into(object, name));
    }
  }
  walk.open.delete(map);
  // `{{ name }}` is a map with a map as its key: what it would have been nobody knows.
  return isBroken && map.flow === true ? UNREADABLE : object;
}

function warnLeadingZero(walk: Walk, scalar: Scalar): void {
  const { source } = scalar;
  if (source === undefined || !/^[-+]?0\d+$/.test(source)) return;
  const detail = `YAML 1.2 reads ${source} as the number ${scalar.value}.`;
  const hint = `Write "${source}" in quotes if it is text, or the number without the zero.`;
  const at = placeAt(walk.source, ...rangeOf(scalar));
  walk.diagnostics.push(problem(LEADING_ZERO, 'Number with a leading zero', detail, { at, hint, severity: 'warning' }));
}

function keyText(walk: Walk, key: Node | null): string | undefined {
  const node = isAlias(key) ? key.resolve(walk.document) : key;
  if (!isScalar(node) || node.value === null || tagKind(node.tag) !== undefined) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function badKey(key: Node | null, at: ReturnType<typeof placeAt>): Diagnostic {
  const isTemplate = isMap(key) && key.flow === true;
  const hint = isTemplate
    ? 'There is no template language in an inventory: write the value itself.'
    : 'Give the key a name, in quotes if need be.';
  return problem('inventory/bad-key', 'Key cannot be used', 'A key must be text.', { at, hint });
}

/** Keys at these depths name things of the farm, and their duplicates have words of their own. */
function duplicateKey(
  object: object,
  name: string,
  path: readonly string[],
  at: ReturnType<typeof placeAt>,
): Diagnostic {
  const [top, tier, hosts] = path;
  const first = keyPlace(object, name);
  const also = first === undefined ? {} : { also: [{ label: 'first here', at: first }] };
  if (path.length === 3 && top === 'tiers' && hosts === 'hosts') {
    const detail = `Host ${name} is written twice in tier ${tier}.`;
    return problem('inventory/duplicate-host', 'Duplicate host', detail, { at, ...also });
  }
  const noun = path.length === 1 ? { tiers: 'tier', vips: 'VIP', networks: 'network' }[top ?? ''] : undefined;
  if (noun !== undefined) {
    const code = `inventory/duplicate-${noun.toLowerCase()}`;
    return problem(code, `Duplicate ${noun}`, `The ${noun} ${name} is written twice.`, { at, ...also });
  }
  const detail = `The key "${name}" is written twice in the same map.`;
  return problem('inventory/duplicate-key', 'Duplicate key', detail, { at, ...also });
}

function tagKind(tag: string | undefined): TagKind | undefined {
  return tag === '!file' || tag === '!env' || tag === '!text' ? tag : undefined;
}

function rangeOf(node: Node): [number, number] {
  const [start, end] = node.range ?? [0, 0, 0];
  return [start, end];
}
