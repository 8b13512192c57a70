/** True if it is that path or lies below it, name by name: `/var/lib/nfsdata` does not lie in `/var/lib/nfs`. */
export function liesIn(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}
