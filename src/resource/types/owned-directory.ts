import { type Static, t } from '../../model/schema.ts';
import { Script, sh } from '../../remote/sh.ts';
import { difference, type Field, type FileOperation, type TextChange } from '../change.ts';
import { absent, defineResource, known, type Observed, type ProbeRecord, type Resource, unknown } from '../define.ts';
import { fileChange, fileTarget, ownershipFields, ROOT, replaceable, symlinkFields, textOf } from './file-state.ts';
import { type PathLook, type PathState, probePaths, readPath } from './path-probe.ts';

interface OwnedDirectoryState {
  readonly directory: PathState;
  /** What lies there, without what is ignored. */
  readonly names: readonly string[];
  /** By path: what is found of each entry; those that are missing are not here. */
  readonly entries: ReadonlyMap<string, PathState>;
}

const schema = t.object({
  path: t.path({ description: 'The directory.' }),
  entries: t.array(t.opaque<Resource>(), { description: 'Files and symlinks that lie directly in it.' }),
  mode: t.mode({ description: 'Octal permissions of the directory.' }),
  owner: t.string({ minLength: 1, description: 'Name or number.' }),
  group: t.string({ minLength: 1, description: 'Name or number.' }),
  ignore: t.array(
    t.string({ pattern: '^[A-Za-z0-9._*?\\[\\]!+@~-]+$', title: 'a shell pattern of letters, digits and ._*?[]!+@~-' }),
    {
      description: 'Shell patterns of names that others put there and that are left alone.',
    },
  ),
  names: t.array(t.string(), { description: 'Names of the entries: what remains of them in the manifest.' }),
});

type Entry = Extract<FileOperation, { kind: 'file' | 'symlink' }>;
type Desired = Static<typeof schema>;

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What is to be made of the entries, the same whatever is there. */
function entriesOf(desired: Pick<Desired, 'entries'>): Entry[] {
  return desired.entries.flatMap((one) =>
    (one.type.apply(one.desired, undefined, []).files ?? []).flatMap((operation) =>
      operation.kind === 'file' || operation.kind === 'symlink' ? [operation] : [],
    ),
  );
}

/** The names there, by the shell's own patterns: no process is started, and any name comes through whole. */
function listing(path: string, ignore: readonly string[]): Script {
  const patterns = new Script(['.farmctl-new.*', '.farmctl-old.*', ...ignore].join(' | '));
  return sh`inside=''
field names ''
d=${path}
for f in "$d"/* "$d"/.[!.]* "$d"/..?*; do
  [ -e "$f" ] || [ -L "$f" ] || continue
  f=${new Script('${f##*/}')}
  case $f in ${patterns}) continue ;; esac
  more "/$f"
  if [ -z "$inside" ] && [ -d "$d/$f" ] && [ ! -L "$d/$f" ]; then inside=/$f; fi
done
[ -z "$inside" ] || field directories "$inside"`;
}

function look({ path, entries, ignore }: Desired): PathLook {
  const targets = entriesOf({ entries }).map((one) => (one.kind === 'file' ? fileTarget(one) : { path: one.path }));
  return { targets: [{ path }, ...targets], further: listing(path, ignore) };
}

function parse(record: ProbeRecord, desired: Desired): Observed<OwnedDirectoryState> {
  const directory = readPath(record);
  if (directory === undefined) return absent;
  if (directory.kind !== 'directory')
    return unknown(`there is a ${directory.kind} at this path, where a directory shall be`);
  const listed = textOf(record.bytes('names'));
  if (listed === undefined) return unknown('a name in this directory is not UTF-8 text: remove it by hand');
  const names = listed.split('/').slice(1);
  const entries = new Map<string, PathState>();
  for (const [index, { path }] of entriesOf(desired).entries()) {
    const seen = replaceable(readPath(record, index + 1));
    if (seen.state === 'unknown') return unknown(`${path}: ${seen.reason}`);
    if (seen.state === 'known') entries.set(path, seen.value);
  }
  const [inside] = record.text('directories').split('/').slice(1);
  if (inside !== undefined)
    return unknown(`the directory holds another one, ${JSON.stringify(inside)}: farmctl does not remove that`);
  return known({ directory, names, entries });
}

function extraNames(desired: Desired, observed: OwnedDirectoryState | undefined): string[] {
  const wanted = new Set(desired.names);
  return (observed?.names ?? []).filter((name) => !wanted.has(name));
}

function entryChange(entry: Entry, state: PathState | undefined): { fields: Field[]; texts: TextChange[] } {
  const name = nameIn(entry.path);
  if (state === undefined) {
    const to =
      entry.kind === 'file' ? `file ${entry.mode} ${entry.owner}:${entry.group}` : `symlink to ${entry.target}`;
    const texts = entry.kind === 'file' ? fileChange(entry, undefined).texts : [];
    return { fields: [{ name, from: undefined, to }], texts };
  }
  const { fields, texts } =
    entry.kind === 'file' ? fileChange(entry, state) : { fields: symlinkFields(entry.target, state), texts: [] };
  return { fields: fields.map((field) => ({ ...field, name: `${name} ${field.name}` })), texts };
}

function isChanged(change: { readonly fields: readonly Field[]; readonly texts: readonly TextChange[] }): boolean {
  return change.texts.length > 0 || change.fields.some((field) => field.from !== field.to);
}

function diff(desired: Desired, observed: OwnedDirectoryState | undefined) {
  const fields: Field[] = ownershipFields(desired, observed?.directory);
  const texts: TextChange[] = [];
  for (const entry of entriesOf(desired)) {
    const change = entryChange(entry, observed?.entries.get(entry.path));
    fields.push(...change.fields);
    texts.push(...change.texts);
  }
  for (const name of extraNames(desired, observed)) fields.push({ name, from: 'not declared', to: undefined });
  return difference(observed === undefined ? 'create' : 'update', fields, { texts });
}

function apply(desired: Desired, observed: OwnedDirectoryState | undefined): { files: FileOperation[] } {
  const { path, mode, owner, group } = desired;
  const files: FileOperation[] = [];
  if (isChanged({ fields: ownershipFields(desired, observed?.directory), texts: [] }))
    files.push({ kind: 'directory', path, mode: mode.padStart(4, '0'), owner, group });
  for (const entry of entriesOf(desired))
    if (isChanged(entryChange(entry, observed?.entries.get(entry.path)))) files.push(entry);
  for (const name of extraNames(desired, observed)) files.push({ kind: 'absent', path: `${path}/${name}` });
  return { files };
}

/** Same thing at an entry's path, or nothing was planned to be there. */
function isCovered(planned: PathState | undefined, found: PathState | undefined): boolean {
  if (planned === undefined || found === undefined) return planned === undefined;
  const identity = ({ kind, mode, uid, gid, digest, target }: PathState) =>
    [kind, mode, uid, gid, digest, target].join(' ');
  return identity(planned) === identity(found);
}

const define = defineResource({
  type: 'ownedDirectory',
  filesOnly: true,
  desired: schema,
  defaults: { mode: '0755', ...ROOT, ignore: [] as string[] },
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) => probePaths(all.map(look)),
  parse,
  diff,
  apply,
  remove: ({ path, names }, observed) => {
    if (observed === undefined) return { kind: 'gone' };
    const ours = observed.names.filter((name) => names.includes(name));
    return {
      kind: 'remove',
      difference: {
        action: 'delete',
        fields: [
          { name: 'contents', from: 'exactly as declared', to: undefined },
          ...ours.map((name) => ({ name, from: 'present', to: undefined })),
        ],
        texts: [],
        risk: 'none',
        notes: ['What farmctl took away there comes back. The directory stays if something lies in it.'],
      },
      effect: {
        files: [
          ...ours.map((name) => ({ kind: 'restore' as const, path: `${path}/${name}` })),
          { kind: 'restoreKept' as const, path },
        ],
      },
    };
  },
  covers: (desired, planned, found) => {
    if (found === undefined) return planned === undefined;
    if (planned !== undefined && !isCovered(planned.directory, found.directory)) return false;
    return entriesOf(desired).every(({ path }) => isCovered(planned?.entries.get(path), found.entries.get(path)));
  },
  paths: ({ entries }) => entriesOf({ entries }).map((one) => one.path),
  refuse: ({ path, entries, names }) => {
    const field = 'entries';
    for (const { type, id } of entries) {
      if (type.type !== 'file' && type.type !== 'symlink')
        return { field, detail: `hold a ${type.type}; only files and symlinks can lie in it` };
      if (id !== `${path}/${nameIn(id)}`) return { field, detail: `hold ${id}, which does not lie directly in it` };
    }
    const seen = new Set<string>();
    const twice = names.find((name) => seen.size === seen.add(name).size);
    return twice === undefined ? undefined : { field, detail: `hold ${JSON.stringify(twice)} twice` };
  },
});

type OwnedDirectoryInput = Omit<Parameters<typeof define>[0], 'names'>;

/**
 * A directory that holds exactly these files and symlinks: whatever else lies there is drift and goes (kept aside).
 * Another directory inside it is not removed but makes the resource unknown, and so does a name that is not UTF-8. What
 * a service's swap leaves beside its targets is passed over.
 */
export const ownedDirectory = Object.assign(
  (desired: OwnedDirectoryInput): Resource =>
    define({ ...desired, names: desired.entries.map((one) => nameIn(one.id)) }),
  { type: define.type },
);
