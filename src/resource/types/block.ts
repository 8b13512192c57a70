import { Content } from '../../model/content.ts';
import { t } from '../../model/schema.ts';
import { holdsSecret, maskText } from '../../model/secret.ts';
import { type Difference, difference, type FileOperation, type TextChange } from '../change.ts';
import { absent, defineResource, known, type Observed, unknown } from '../define.ts';
import type { Refusal } from '../desired.ts';
import { fileOperation, textOf } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

const schema = t.object({
  path: t.path({ description: 'The file, which others own.' }),
  name: t.string({
    pattern: '^[A-Za-z0-9._-]+$',
    title: 'a word of letters, digits and ._-',
    description: 'Tells the blocks of one file apart.',
  }),
  content: t.string({ description: 'The lines between the marks.' }),
  comment: t.string({
    pattern: '^[^\\n\\r\\u0000]+$',
    title: 'one line',
    description: 'What begins a comment line in that file.',
  }),
  createMode: t.mode({ description: 'Permissions where the file does not exist yet.' }),
  createOwner: t.string({ minLength: 1, description: 'Owner where the file does not exist yet.' }),
  createGroup: t.string({ minLength: 1, description: 'Group where the file does not exist yet.' }),
});

interface BlockState {
  readonly file: PathState;
  readonly text: string;
  /** The block with its marks; undefined where it is not there. */
  readonly block: string | undefined;
}

type Marked = { readonly name: string; readonly comment: string };

function marks({ name, comment }: Marked): { readonly begin: string; readonly end: string } {
  return { begin: `${comment} BEGIN farmctl ${name}\n`, end: `${comment} END farmctl ${name}\n` };
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function blockOf(desired: Marked & { readonly content: string }): string {
  const { begin, end } = marks(desired);
  return `${begin}${endLine(desired.content)}${end}`;
}

/** Start and end of the block in a text whose last line is ended; an error where the marks are no pair. */
function findBlock(text: string, desired: Marked): { from: number; to: number } | 'none' | 'broken' {
  const { begin, end } = marks(desired);
  const lines = text.split(/(?<=\n)/);
  const begins = lines.flatMap((line, index) => (line === begin ? [index] : []));
  const ends = lines.flatMap((line, index) => (line === end ? [index] : []));
  if (begins.length === 0 && ends.length === 0) return 'none';
  const [first = 0] = begins;
  const [last = 0] = ends;
  if (begins.length !== 1 || ends.length !== 1 || last < first) return 'broken';
  const length = (upTo: number) => lines.slice(0, upTo).join('').length;
  return { from: length(first), to: length(last + 1) };
}

function observe(file: PathState | undefined, desired: Marked): Observed<BlockState> {
  if (file === undefined) return absent;
  if (file.kind !== 'file') return unknown(`there is a ${file.kind} at this path; a block lies in a regular file`);
  if (file.content === undefined) return unknown('the file cannot be read or is larger than 1 MiB');
  const raw = textOf(file.content);
  if (raw === undefined) return unknown('the file is not UTF-8 text');
  const text = endLine(raw);
  const found = findBlock(text, desired);
  if (found === 'broken') return unknown(`the marks of block ${desired.name} are no pair in this file`);
  return known({ file, text, block: found === 'none' ? undefined : text.slice(found.from, found.to) });
}

/** The file's text with another block, at its old place or else at the end; '' takes it out. */
function replaceBlock(text: string, desired: Marked, block: string): string {
  const found = findBlock(text, desired);
  return typeof found === 'string' ? `${text}${block}` : text.slice(0, found.from) + block + text.slice(found.to);
}

function write(path: string, text: string, { mode, owner, uid, group, gid }: PathState): FileOperation {
  const named = (name: string, number: string) => (name === 'UNKNOWN' ? number : name);
  return fileOperation({ path, content: Content.text(text), mode, owner: named(owner, uid), group: named(group, gid) });
}

function shown(path: string, before: string | undefined, after: string): TextChange {
  return {
    path,
    before: before === undefined ? undefined : maskText(before),
    after: maskText(after),
    sensitive: false,
  };
}

function refuse(desired: Marked & { readonly content: string }): Refusal | undefined {
  if (holdsSecret(desired.content))
    return { field: 'content', detail: 'holds a secret: keep that in a file of its own' };
  const { begin, end } = marks(desired);
  const holdsMark = desired.content.split('\n').some((line) => `${line}\n` === begin || `${line}\n` === end);
  return holdsMark ? { field: 'content', detail: 'holds a mark of its own block' } : undefined;
}

/**
 * Some lines in a file that others own, between two marks (comment lines with the block's name). It is put at the end,
 * and afterwards stays where it is. Mode and owner of the file are left as they are. Not for binary files, symlinks or
 * files over 1 MiB, and not for secrets: the rest of the file must be read.
 */
export const block = defineResource({
  type: 'block',
  filesOnly: true,
  desired: schema,
  defaults: { comment: '#', createMode: '0644', createOwner: 'root', createGroup: 'root' },
  id: ({ path, name }) => `${path} ${name}`,
  // No content has this digest: the file is always sent, because the rest of it is needed to write it anew.
  probesTogether: true,
  probe: (all) => probePaths(all.map(({ path }) => ({ targets: [{ path, wantedDigest: 'any' }] }))),
  parse: (record, desired) => observe(readPath(record), desired),
  diff: (desired, observed: BlockState | undefined) => {
    const wanted = blockOf(desired);
    if (observed?.block === wanted) return undefined;
    const action = observed?.block === undefined ? 'create' : 'update';
    const after = replaceBlock(observed?.text ?? '', desired, wanted);
    const field = { name: 'block', from: observed?.block === undefined ? undefined : 'other lines', to: desired.name };
    return difference(action, [field], { texts: [shown(desired.path, observed?.text, after)] });
  },
  apply: (desired, observed) => {
    const { path, createMode: mode, createOwner: owner, createGroup: group } = desired;
    if (observed !== undefined)
      return { files: [write(path, replaceBlock(observed.text, desired, blockOf(desired)), observed.file)] };
    return { files: [fileOperation({ path, content: Content.text(blockOf(desired)), mode, owner, group })] };
  },
  remove: ({ path, ...desired }, observed) => {
    if (observed?.block === undefined) return { kind: 'gone' };
    const rest = replaceBlock(observed.text, desired, '');
    const change: Difference = {
      action: 'delete',
      fields: [{ name: 'block', from: desired.name, to: undefined }],
      texts: [shown(path, observed.text, rest)],
      risk: 'none',
      notes: [],
    };
    const file: FileOperation = rest === '' ? { kind: 'restore', path } : write(path, rest, observed.file);
    return { kind: 'remove', difference: change, effect: { files: [file] } };
  },
  // The rest of the file is not ours: another block of it may have come or changed meanwhile.
  covers: (_, planned, found) => planned?.block === found?.block,
  refuse,
});
