import { isNode, isScalar, type LineCounter, type Node } from 'yaml';
import type { Place } from '../model/diagnostic.ts';

/** One text of an inventory: a file, the standard input, or the value of an option. */
export interface SourceText {
  /** As it is shown: relative to the working directory, or `<stdin>`. */
  readonly file: string;
  /** What relative paths inside it start from. Absolute. */
  readonly folderPath: string;
  readonly text: string;
  readonly lines: LineCounter;
}

/** Where one entry of a map or list was written. */
export interface Spot {
  readonly source: SourceText;
  /** Absent in lists. */
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** The values of an inventory are plain objects; where their entries come from is remembered beside them. */
const origins = new WeakMap<object, Map<string, Spot>>();

/** Remembers where an entry of the object comes from. */
export function rememberSpot(object: object, key: string, spot: Spot): void {
  const spots = origins.get(object);
  if (spots === undefined) origins.set(object, new Map([[key, spot]]));
  else spots.set(key, spot);
}

/** Where the entry comes from, if the object was read from an inventory. */
export function spotOf(object: object, key: string | number): Spot | undefined {
  return origins.get(object)?.get(String(key));
}

/** The place of the entry's key; in a list, of its value. */
export function keyPlace(object: object, key: string | number): Place | undefined {
  const spot = spotOf(object, key);
  if (spot === undefined) return undefined;
  return nodePlace(spot.source, spot.key ?? spot.value);
}

/** The place of the entry's value; of its key where it has no value. */
export function valuePlace(object: object, key: string | number): Place | undefined {
  const spot = spotOf(object, key);
  if (spot === undefined) return undefined;
  const hasText = spot.value?.range != null && spot.value.range[1] > spot.value.range[0];
  return nodePlace(spot.source, hasText ? spot.value : (spot.key ?? spot.value));
}

/** The place of an entry inside a value, by keys and indices: of the innermost one on the way that was written. */
export function innerPlace(value: unknown, path: readonly (string | number)[]): Place | undefined {
  let place: Place | undefined;
  let entry = value;
  for (const key of path) {
    if (typeof entry !== 'object' || entry === null || !Object.hasOwn(entry, key)) break;
    place = valuePlace(entry, key) ?? place;
    entry = Reflect.get(entry, key);
  }
  return place;
}

/** The plain text of a scalar without quotes (`0755`), as it was written; undefined where quoted or no scalar. */
export function plainSource(object: object, key: string | number): string | undefined {
  const node = spotOf(object, key)?.value;
  return isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
}

function nodePlace(source: SourceText, node: Node | undefined): Place | undefined {
  if (!isNode(node) || node.range == null) return undefined;
  return placeAt(source, node.range[0], node.range[1]);
}

/** The place of the text from one offset to another; `length` ends with the first line. */
export function placeAt(source: SourceText, start: number, end: number): Place {
  const { line, col } = source.lines.linePos(start);
  const lineEnd = source.text.indexOf('\n', start);
  const stop = Math.max(start, lineEnd === -1 ? end : Math.min(end, lineEnd));
  return { file: source.file, line: Math.max(line, 1), column: Math.max(col, 1), length: stop - start };
}
