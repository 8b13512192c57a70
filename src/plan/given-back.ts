import { directoryOf, pathKey } from '../remote/file-script.ts';
import type { Difference, Field } from '../resource/change.ts';
import type { Effect } from '../resource/define.ts';

/** What farmctl holds of a host's files, by the keys of their paths. */
export interface Holdings {
  /** Paths where something of farmctl's own lies, or where it took something away. */
  readonly claimed: ReadonlySet<string>;
  /** What was there before farmctl and is kept: key and path. */
  readonly originals: ReadonlyMap<string, string>;
}

/** Reads what a host sent: a line `paths/KEY` each, and `originals/KEY.path:PATH`. */
export function parseHoldings(text: string): Holdings {
  const claimed = new Set<string>();
  const originals = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, path] = /^originals\/([0-9a-f]{32})\.path:(.*)$/.exec(line) ?? [];
    if (key !== undefined && path !== undefined) originals.set(key, path);
    else if (line.startsWith('paths/')) claimed.add(line.slice('paths/'.length));
  }
  return { claimed, originals };
}

const BEFORE = 'what was there before';

/**
 * The difference of a removal with the truth about its files: whose original comes back, and which were there before
 * farmctl, as they are now, and stay.
 * @param id of the resource that is removed
 */
export function givenBack(difference: Difference, effect: Effect, id: string, holdings: Holdings): Difference {
  const operations = [...(effect.files ?? []), ...(effect.transaction?.operations ?? [])];
  const restored = operations.filter((one) => one.kind === 'restore').map((one) => one.path);
  const told = new Set(restored);
  const isAbout = aboutPaths(restored, id);
  const fields = difference.fields.flatMap((field) => {
    const path = field.to === undefined ? isAbout(field) : undefined;
    if (path === undefined) return [field];
    const key = pathKey(path);
    if (holdings.originals.has(key)) return [{ ...field, to: BEFORE }];
    return holdings.claimed.has(key) ? [field] : [];
  });
  const directories = operations.filter((one) => one.kind === 'restoreKept').map((one) => one.path);
  const more = [...holdings.originals.values()].filter(
    (path) => directories.includes(directoryOf(path)) && !told.has(path),
  );
  if (more.length === 0) return { ...difference, fields };
  const names = directories.flatMap((directory) => {
    const inside = more.filter((path) => directoryOf(path) === directory).sort();
    return inside.map((path) => ({ name: `${directory} ${baseOf(path)}`, from: undefined, to: BEFORE }));
  });
  return { ...difference, fields: [...fields, ...names] };
}

const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Which of the paths a field tells of, as the types of files and directories name those of their removal, alone or inside a service. */
function aboutPaths(paths: readonly string[], id: string): (field: Field) => string | undefined {
  const byName = new Map<string, string>();
  for (const path of paths) {
    const directory = directoryOf(path);
    const base = baseOf(path);
    byName.set(`${path} kind`, path).set(`${directory} ${base}`, path);
    if (id === path) byName.set('kind', path);
    if (id === directory) byName.set(base, path);
  }
  const all = new Set(paths);
  return ({ name, from }) => byName.get(name) ?? (from !== undefined && all.has(from) ? from : undefined);
}
