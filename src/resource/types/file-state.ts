import type { Content } from '../../model/content.ts';
import { maskText } from '../../model/secret.ts';
import type { Difference, Field, FileOperation, TextChange } from '../change.ts';
import { absent, known, type Observed, type Removal, unknown } from '../define.ts';
import { type PathState, type PathTarget, SHOWN_BYTES } from './path-probe.ts';

/** A regular file as it shall be. */
export interface WantedFile {
  readonly path: string;
  readonly content: Content;
  /** Octal, three or four digits. */
  readonly mode: string;
  /** A name, or a number in decimal. */
  readonly owner: string;
  readonly group: string;
}

/** Owner and group where none is said. */
export const ROOT = { owner: 'root', group: 'root' } as const;

export function fileTarget({ path, content }: Pick<WantedFile, 'path' | 'content'>): PathTarget {
  return content.sensitive ? { path } : { path, wantedDigest: content.digest };
}

/**
 * What is there, where a file or symlink shall be made. Those are replaced by each other; anything else is left alone,
 * and so is a file that cannot be read.
 */
export function replaceable(state: PathState | undefined): Observed<PathState> {
  if (state === undefined) return absent;
  if (state.kind === 'file') return state.digest === undefined ? unknown('the file cannot be read') : known(state);
  if (state.kind === 'symlink') return known(state);
  return unknown(`there is a ${state.kind} at this path; farmctl replaces only files and symlinks`);
}

/** A name matches by name, a number by number. */
function ownedBy(wanted: string, name: string, number: string): boolean {
  return /^\d+$/.test(wanted) ? Number(wanted) === Number(number) : wanted === name;
}

function shownOwner(name: string, number: string): string {
  return name === 'UNKNOWN' ? number : name;
}

/** Mode, owner and group; those that are as wanted give a field without a difference. */
export function ownershipFields(
  wanted: { readonly mode: string; readonly owner: string; readonly group: string },
  state: PathState | undefined,
): Field[] {
  const mode = wanted.mode.padStart(4, '0');
  if (state === undefined) {
    return [
      { name: 'mode', from: undefined, to: mode },
      { name: 'owner', from: undefined, to: wanted.owner },
      { name: 'group', from: undefined, to: wanted.group },
    ];
  }
  const owner = ownedBy(wanted.owner, state.owner, state.uid) ? wanted.owner : shownOwner(state.owner, state.uid);
  const group = ownedBy(wanted.group, state.group, state.gid) ? wanted.group : shownOwner(state.group, state.gid);
  return [
    { name: 'mode', from: state.mode, to: mode },
    { name: 'owner', from: owner, to: wanted.owner },
    { name: 'group', from: group, to: wanted.group },
  ];
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as text; undefined if they are not UTF-8 or hold a NUL. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return strictDecoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function describe(bytes: number | undefined, digest: string | undefined): string {
  const short = digest === undefined ? '' : `sha256 ${digest.slice(0, 12)}`;
  return [bytes === undefined ? '' : `${bytes} bytes`, short].filter((one) => one !== '').join(', ');
}

/** How the content differs: as a text where both sides are short texts, otherwise as sizes and digests. */
function contentChange(wanted: WantedFile, state: PathState | undefined): { field?: Field; text?: TextChange } {
  const { content, path } = wanted;
  const old = state?.kind === 'file' ? state : undefined;
  if (content.sensitive) {
    const field = { name: 'content', from: old && '(sensitive)', to: '(sensitive, new)' };
    const after = content.shown;
    return after === undefined ? { field } : { field, text: { path, before: undefined, after, sensitive: true } };
  }
  const after = content.shown;
  const before = old?.content === undefined ? undefined : textOf(old.content);
  const isText = after !== undefined && after.length <= SHOWN_BYTES && !after.includes('\0');
  if (isText && (old === undefined || before !== undefined))
    return { text: { path, before: before === undefined ? undefined : maskText(before), after, sensitive: false } };
  const binary = after === undefined ? 'binary, ' : '';
  const field = {
    name: 'content',
    from: old && `${binary}${describe(old.size, old.digest)}`,
    to: `${binary}${describe(content.size, content.digest)}`,
  };
  return { field };
}

/** All that differs between a file as wanted and what is there. */
export function fileChange(wanted: WantedFile, state: PathState | undefined): { fields: Field[]; texts: TextChange[] } {
  const isFile = state?.kind === 'file';
  const fields: Field[] = [];
  if (state?.kind === 'symlink') fields.push({ name: 'kind', from: `symlink to ${state.target}`, to: 'file' });
  fields.push(...ownershipFields(wanted, isFile ? state : undefined));
  if (isFile && state.digest === wanted.content.digest) return { fields, texts: [] };
  const { field, text } = contentChange(wanted, state);
  return { fields: field === undefined ? fields : [...fields, field], texts: text === undefined ? [] : [text] };
}

export function fileOperation({ path, content, mode, owner, group }: WantedFile): FileOperation {
  return { kind: 'file', path, content, mode: mode.padStart(4, '0'), owner, group };
}

/** What differs between a symlink as wanted and what is there. */
export function symlinkFields(target: string, state: PathState | undefined): Field[] {
  if (state === undefined) return [{ name: 'target', from: undefined, to: target }];
  if (state.kind === 'symlink') return [{ name: 'target', from: state.target, to: target }];
  return [{ name: 'kind', from: state.kind, to: `symlink to ${target}` }];
}

/** The difference of a thing that goes. */
export function deletion(kind: string, notes: readonly string[] = []): Difference {
  return { action: 'delete', fields: [{ name: 'kind', from: kind, to: undefined }], texts: [], risk: 'none', notes };
}

/** Takes away a file or symlink of ours; what was there before farmctl comes back. */
export function fileRemoval(path: string, state: PathState | undefined): Removal {
  if (state === undefined) return { kind: 'gone' };
  return { kind: 'remove', difference: deletion(state.kind), effect: { files: [{ kind: 'restore', path }] } };
}
