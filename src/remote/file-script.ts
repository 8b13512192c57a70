import { sha256 } from '../lib/digest.ts';
import type { Content } from '../model/content.ts';
import type { FileOperation } from '../resource/change.ts';
import { joinScripts, type Script, sh } from './sh.ts';

/** The bodies of one request, in the order in which they are sent; each content travels once. */
export interface Bodies {
  /** The body's number: its file on the host is `$B/NUMBER`. */
  add(content: Content): number;
  readonly contents: readonly Content[];
}

export function bodies(): Bodies {
  const contents: Content[] = [];
  const numbers = new Map<string, number>();
  return {
    contents,
    add(content) {
      const at = numbers.get(content.digest);
      if (at !== undefined) return at;
      numbers.set(content.digest, contents.length);
      contents.push(content);
      return contents.length - 1;
    },
  };
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

/** Writes the new thing beside its target, complete and flushed. Nothing for a removal. */
export function stageScript(operation: FileOperation, sent: Bodies): Script {
  const { path } = operation;
  const { fresh } = besides(path);
  const key = pathKey(path);
  const parents = sh`parents ${directoryOf(path)}`;
  switch (operation.kind) {
    case 'file':
      return sh`${parents} && stage_file ${key} ${sent.add(operation.content)} ${fresh} ${operation.mode} ${operation.owner} ${operation.group}`;
    case 'symlink':
      return sh`${parents} && stage_link ${key} ${operation.target} ${fresh}`;
    case 'directory':
      return sh`parents ${path}`;
    case 'absent':
      return sh`claim ${key}`;
    case 'restoreKept':
      return sh`:`;
    case 'restore':
      return sh`{ ! there "$S"/originals/${key} || stage_original ${key} ${fresh}; }`;
  }
}

/** Each operation by itself: kept, staged, swapped; the first that fails ends the script with 1. */
export function fileScript(operations: readonly FileOperation[], sent: Bodies): Script {
  return joinScripts(operations.map((operation) => oneFile(operation, sent)));
}

function oneFile(operation: FileOperation, sent: Bodies): Script {
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
