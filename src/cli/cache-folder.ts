import { join } from 'node:path';

/** The user's own folder for what can be made again, or undefined where there is no home. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME, HOME } = environment;
  const base = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return base ? join(base, 'farmctl') : undefined;
}
