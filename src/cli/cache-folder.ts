import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../transport/error-code.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's own folder for what can be made again, or undefined where there is no home. */
export function cacheFolder({ XDG_CACHE_HOME, HOME }: Environment): string | undefined {
  const base = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return base ? join(base, 'farmctl') : undefined;
}

/**
 * The same for compiled code, which is run as it is found: undefined where the folder around it is another user's, as
 * under a sudo that keeps HOME.
 */
export function ownCacheFolder(environment: Environment): string | undefined {
  const folder = cacheFolder(environment);
  if (folder === undefined) return undefined;
  return ownerAbove(dirname(folder)) === process.geteuid?.() ? folder : undefined;
}

/** The owner of a path, or of the nearest folder above it where it is not there; undefined where that is closed. */
function ownerAbove(path: string): number | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return found.uid;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
  return dirname(path) === path ? undefined : ownerAbove(dirname(path));
}
