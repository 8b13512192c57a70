import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { keyPlace, rememberSpot, spotOf } from './origin.ts';
import { TagRequest } from './tags.ts';

/** The maps that several files may fill together, entry by entry; `*` is any key. */
const SHARED_MAPS = [
  [],
  ['networks'],
  ['vips'],
  ['ssh'],
  ['become'],
  ['variables'],
  ['variables', '*'],
  ['tiers'],
  ['tiers', '*'],
  ['tiers', '*', 'hosts'],
  ['tiers', '*', 'variables'],
  ['tiers', '*', 'ssh'],
  ['tiers', '*', 'become'],
];

/**
 * Adds the entries of another file to those that are there. An entry that both have with the same content is one; with
 * different content it is an error that names both places.
 */
export function mergeInto(
  target: Record<string, unknown>,
  addition: Record<string, unknown>,
  path: readonly string[] = [],
): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const [key, value] of Object.entries(addition)) {
    const here = [...path, key];
    const spot = spotOf(addition, key);
    if (!Object.hasOwn(target, key)) {
      target[key] = value;
      if (spot !== undefined) rememberSpot(target, key, spot);
      if (value instanceof TagRequest) value.into(target, key);
      continue;
    }
    const present = target[key];
    if (isMap(present) && isMap(value) && isShared(here)) diagnostics.push(...mergeInto(present, value, here));
    else if (!isSame(present, value)) diagnostics.push(conflict(target, addition, here));
  }
  return diagnostics;
}

/** True for a map that was read from an inventory. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isShared(path: readonly string[]): boolean {
  return SHARED_MAPS.some(
    (shared) => shared.length === path.length && shared.every((part, index) => part === '*' || part === path[index]),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof TagRequest && b instanceof TagRequest) return a.sameness === b.sameness;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

function conflict(target: object, addition: object, path: readonly string[]): Diagnostic {
  const key = path.at(-1) ?? '';
  const at = keyPlace(addition, key);
  const first = keyPlace(target, key);
  const rest = {
    ...(at === undefined ? {} : { at }),
    ...(first === undefined ? {} : { also: [{ label: 'first here', at: first }] }),
  };
  if (path.length === 4 && path[0] === 'tiers' && path[2] === 'hosts') {
    const detail = `Host ${key} of tier ${path[1]} is written in two files, with different content.`;
    return problem('inventory/duplicate-host', 'Duplicate host', detail, rest);
  }
  const detail = `"${path.join('.')}" is written in two files, with different content.`;
  return problem('inventory/conflict', 'Two files disagree', detail, { ...rest, hint: 'Keep one of the two.' });
}
