import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { keepBytes, keptBytes } from './kept-bytes.ts';

/** A CommonJS script that has run. */
export interface CompiledScript {
  readonly exports: unknown;
  /** Keeps what V8 has compiled of it by now for the next start; nothing where that was done before. */
  keep(): void;
}

/** Where the compiled forms of scripts are kept. */
export interface CompiledPlace {
  /** For nothing else. */
  readonly folder: string;
  /** What the script is run for, as a word: for each purpose it needs other functions. */
  readonly purpose: string;
}

/**
 * Runs a CommonJS script, with what V8 had compiled of it by the end of an earlier run. (Node's own compile cache keeps
 * what is compiled before a script runs, which is next to none of its functions.)
 * @param path of ASCII text; another content must have another name, as V8 compares nothing but the length
 * @param place undefined: nothing is kept
 */
export function runCompiled(path: string, place: CompiledPlace | undefined): CompiledScript {
  // V8 takes only what it made itself, in the same version and under the same flags.
  const name = `${basename(path)}.${cachedDataVersionTag()}.${place?.purpose}`;
  const cachedData = place === undefined ? undefined : keptBytes(join(place.folder, name));
  const compiled = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`,
    { filename: path, ...(cachedData === undefined ? {} : { cachedData }) },
  );
  const isKept = cachedData !== undefined && compiled.cachedDataRejected !== true;
  const module: { exports: unknown } = { exports: {} };
  compiled.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  return {
    exports: module.exports,
    keep: () => {
      if (place === undefined || isKept) return;
      keepBytes(place.folder, name, compiled.createCachedData());
    },
  };
}
