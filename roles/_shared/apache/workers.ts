import type { RoleContext } from 'farmctl';
import type { ServerVariables } from './variables.ts';

/**
 * The limits that Apache does not refuse but bends with a warning: a number of workers that is rounded down or clamped
 * is not what the inventory says, so it is refused here.
 */
export function checkWorkers(variables: ServerVariables, reject: RoleContext<unknown>['reject']): void {
  const { workers, threadsPerChild, serverLimit, threadLimit, minSpareThreads, maxSpareThreads } = variables;
  if (threadsPerChild > threadLimit) {
    const detail = `${threadsPerChild} threads per process are more than threadLimit, ${threadLimit}.`;
    reject('threadsPerChild', detail, `Raise threadLimit to ${threadsPerChild}; that restarts Apache.`);
  }
  if (workers % threadsPerChild !== 0) {
    const below = Math.floor(workers / threadsPerChild) * threadsPerChild;
    const near = below === 0 ? `${threadsPerChild}` : `${below} or ${below + threadsPerChild}`;
    const detail = `${workers} workers are not a multiple of threadsPerChild, ${threadsPerChild}: Apache would round down.`;
    reject('workers', detail, `Take ${near}.`);
  }
  const most = serverLimit * threadsPerChild;
  if (workers > most) {
    const detail = `${workers} workers are more than serverLimit × threadsPerChild, ${serverLimit} × ${threadsPerChild} = ${most}.`;
    reject('workers', detail, `Raise serverLimit to ${workers / threadsPerChild} or more; that restarts Apache.`);
  }
  const least = minSpareThreads + threadsPerChild;
  if (maxSpareThreads < least) {
    const detail = `maxSpareThreads, ${maxSpareThreads}, is less than minSpareThreads + threadsPerChild, ${least}: Apache would raise it.`;
    reject('maxSpareThreads', detail, `Take ${least} or more.`);
  }
}

/** Directives that a reload does not reach: it logs that they are ignored, clamps what depends on them, and ends with 0. */
const UNREACHED = /^\s*(Listen|ListenBacklog|ServerLimit|ThreadLimit|User|Group|PidFile|ScoreBoardFile)\s.*$/gim;
const MPM = /^\s*LoadModule\s+mpm_\S+\s.*$/gim;

/** What of Apache's configuration only a restart reaches: some directives wherever they stand, and the environment. */
export function needsRestart(contents: ReadonlyMap<string, string>): unknown {
  const lines: string[] = [];
  for (const path of [...contents.keys()].sort()) {
    const text = contents.get(path) ?? '';
    if (/^\/etc\/apache2\/mods-enabled\/mpm_\w+\.load$/.test(path)) lines.push(path);
    else if (path === '/etc/apache2/envvars') lines.push(text.replaceAll(/^\s*#.*\n/gm, ''));
    else for (const pattern of [UNREACHED, MPM]) lines.push(...(text.match(pattern) ?? []));
  }
  return lines.map((line) => line.trim().replaceAll(/[ \t]+/g, ' '));
}
