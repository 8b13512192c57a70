import { lstatSync, type Stats } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { errorCode } from '../transport/error-code.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's own folder for what can be made again, or undefined where there is no home. */
export function cacheFolder({ XDG_CACHE_HOME, HOME }: Environment): string | undefined {
  const base = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return base ? join(base, 'farmctl') : undefined;
}

/**
 * The same for compiled code, which is run as it is found: undefined where others could have put it there, as below the
 * home of another user under a sudo that keeps HOME.
 */
export function ownCacheFolder(environment: Environment): string | undefined {
  const folder = cacheFolder(environment);
  return folder !== undefined && isOwn(folder) && isOwn(dirname(folder)) ? folder : undefined;
}

/** True where the path, or the nearest folder above it that is there, is this user's, and not for everybody to write. */
function isOwn(path: string): boolean {
  const found = statsOf(path);
  if (found !== undefined)
    return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o002) === 0;
  return dirname(path) !== path && isOwn(dirname(path));
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Node keeps what it has compiled of modules: of all of farmctl in a checkout, of the roles where it is installed. */
export function keepCompiledModules(environment: Environment): void {
  // Node's own default is a shared folder in /tmp: unwise for a tool that handles secrets and is run by root.
  const folder = ownCacheFolder(environment);
  if (folder !== undefined) enableCompileCache(join(folder, 'compile'));
}
