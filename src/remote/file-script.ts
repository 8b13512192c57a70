import { sha256 } from '../lib/digest.ts';
import type { Content } from '../model/content.ts';
import type { FileOperation } from '../resource/change.ts';
import { joinScripts, type Script, sh } from './sh.ts';
import { FLUSHED_BEFORE } from './state-functions.ts';

/** The bodies of one request, in the order in which they are sent; each content travels once. */
export interface Bodies {
  /** The body's number: its file on the host is `$B/NUMBER`. */
  add(content: Content): number;
  /**
   * Words of a command that prints the content. A short text stands in the script itself, and the shell prints it: as a
   * body it would cost two processes. Never a sensitive one.
   */
  print(content: Content): Script;
  /** The same bodies, for a script that is a body itself: it has room of its own for short texts. */
  anew(): Bodies;
  readonly contents: readonly Content[];
}

/** The most characters of a text that stands in the script, and of all such texts of one request. */
const SHORT_TEXT = 4096;
const SHORT_TEXTS = 256 * 1024;

export function bodies(): Bodies {
  const contents: Content[] = [];
  const numbers = new Map<string, number>();
  const add = (content: Content): number => {
    const at = numbers.get(content.digest);
    if (at !== undefined) return at;
    numbers.set(content.digest, contents.length);
    contents.push(content);
    return contents.length - 1;
  };
  const anew = (): Bodies => {
    let length = 0;
    return {
      contents,
      add,
      anew,
      print(content) {
        const text = content.sensitive ? undefined : content.template;
        const isShort = text !== undefined && text.length <= SHORT_TEXT && length + text.length <= SHORT_TEXTS;
        if (!isShort || text.includes('\0')) return sh`cat -- "$B"/${add(content)}`;
        length += text.length;
        return sh`printf %s ${text}`;
      },
    };
  };
  return anew();
}

/** The name under which a path's original and journal lines are kept. */
export function pathKey(path: string): string {
  return sha256(path).slice(0, 32);
}

export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** Where the new thing lies before the swap, and the second name of the old one after it. */
export function besides(path: string): { readonly fresh: string; readonly old: string } {
  const at = path.lastIndexOf('/') + 1;
  return {
    fresh: `${path.slice(0, at)}.farmctl-new.${path.slice(at)}`,
    old: `${path.slice(0, at)}.farmctl-old.${path.slice(at)}`,
  };
}

/** Writes the new thing beside its target; `finishScript` completes it. Nothing for a removal. */
export function layScript(operation: FileOperation, sent: Bodies): Script {
  const { path } = operation;
  const { fresh } = besides(path);
  const key = pathKey(path);
  const parents = sh`parents ${directoryOf(path)}`;
  switch (operation.kind) {
    case 'file':
      return sh`${parents} && put ${fresh} ${sent.print(operation.content)} && own ${key}`;
    case 'symlink':
      return sh`${parents} && clear ${fresh} && ln -s -- ${operation.target} ${fresh} && own ${key}`;
    case 'directory':
      return sh`parents ${path}`;
    case 'absent':
      return sh`own ${key}`;
    case 'restoreKept':
      return sh`:`;
    case 'restore':
      return sh`{ ! there "$S"/originals/${key} || stage_original ${key} ${fresh}; }`;
  }
}

/** Gives files to `USER:GROUP`; a group of commands where it has several. */
export function ownersScript(owner: string, paths: readonly string[]): Script {
  const chown = sh`chown -- ${owner} ${paths}`;
  return owner === 'root:root' ? sh`{ roots ${paths} || ${chown}; }` : chown;
}

/** The most that are given to one command: a kernel bounds its arguments. */
const AT_ONCE = 400;
const NAME_BYTES_AT_ONCE = 64 * 1024;

/** Cuts a list, in its order, so that the names of each piece fit into one command. */
export function cutByNames<T extends { readonly path: string }>(all: readonly T[]): readonly (readonly T[])[] {
  const cut: T[][] = [];
  let bytes = 0;
  for (const one of all) {
    const last = cut.at(-1);
    bytes += Buffer.byteLength(one.path);
    if (last !== undefined && last.length < AT_ONCE && bytes <= NAME_BYTES_AT_ONCE) last.push(one);
    else {
      cut.push([one]);
      bytes = Buffer.byteLength(one.path);
    }
  }
  return cut;
}

/** Gives all files that were laid their owners and modes, and flushes them: few commands for many files. */
export function finishScript(operations: readonly FileOperation[]): Script {
  return joinScripts(
    inPieces(operations).map((files) => sh`${ownScript(files)} && sync -- ${freshOf(files)} ${FLUSHED_BEFORE}`),
    ' && ',
  );
}

/**
 * The same, but what one command can flush is left to the next flush, which must come before the swap.
 * @returns `left`: words of what is to be flushed then
 */
export function finishButFlush(operations: readonly FileOperation[]): {
  readonly script: Script;
  readonly left: Script;
} {
  const [only = [], ...others] = inPieces(operations);
  if (others.length > 0) return { script: finishScript(operations), left: FLUSHED_BEFORE };
  return { script: ownScript(only), left: sh`${freshOf(only)} ${FLUSHED_BEFORE}` };
}

type FileOnly = Extract<FileOperation, { kind: 'file' }>;

function inPieces(operations: readonly FileOperation[]): readonly (readonly FileOnly[])[] {
  const files = operations.filter((one) => one.kind === 'file');
  return files.length === 0 ? [[]] : cutByNames(files);
}

function freshOf(files: readonly FileOnly[]): readonly string[] {
  return files.map(({ path }) => besides(path).fresh);
}

function ownScript(files: readonly FileOnly[]): Script {
  if (files.length === 0) return sh`:`;
  // Owners before modes: chown takes set-user-id bits away.
  const owners = Map.groupBy(files, ({ owner, group }) => `${owner}:${group}`);
  const modes = Map.groupBy(files, ({ mode }) => mode);
  return joinScripts(
    [
      ...[...owners].map(([owner, alike]) => ownersScript(owner, freshOf(alike))),
      ...[...modes].map(([mode, alike]) => sh`chmod -- ${mode} ${freshOf(alike)}`),
    ],
    ' && ',
  );
}

function stageScript(operation: FileOperation, sent: Bodies): Script {
  const lay = layScript(operation, sent);
  const isNew = operation.kind === 'file' || operation.kind === 'symlink' || operation.kind === 'absent';
  return isNew ? sh`${lay} && ${finishScript([operation])}` : lay;
}

/** One operation by itself: kept, staged, swapped; ends the script with 1 where it fails. */
export function oneFile(operation: FileOperation, sent: Bodies): Script {
  const { path } = operation;
  const { fresh } = besides(path);
  const key = pathKey(path);
  const stage = stageScript(operation, sent);
  switch (operation.kind) {
    case 'file':
    case 'symlink':
      return sh`keep ${key} ${path} && ${stage} && swap ${fresh} ${path} || { rm -f -- ${fresh}; exit 1; }`;
    case 'directory':
      return sh`${stage} && own_directory ${path} ${operation.mode} ${operation.owner} ${operation.group} || exit 1`;
    case 'absent':
      return sh`keep ${key} ${path} && ${stage} && vanish ${path} || exit 1`;
    case 'restoreKept':
      return sh`restore_kept ${path} || exit 1`;
    case 'restore':
      return sh`${stage} && if there ${fresh}; then swap ${fresh} ${path}; else vanish_ours ${key} ${path}; fi && release ${key} ${path} || exit 1`;
  }
}
