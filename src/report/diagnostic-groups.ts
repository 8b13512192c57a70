import type { Diagnostic } from '../model/diagnostic.ts';
import { hostList } from './host-list.ts';

/** So many of one code are told in full where nobody asked for all (`-v`). */
const FULL_PER_CODE = 5;

/**
 * Diagnostics as they are told: what is the same on several hosts once, with all their names; of hosts that each have
 * their own text for the same trouble the first few, and the rest as a list of names. 800 dead hosts fit on a screen.
 */
export function groupDiagnostics(diagnostics: readonly Diagnostic[], all = false): readonly Diagnostic[] {
  const same = Map.groupBy(diagnostics, ({ host: _, ...rest }) => JSON.stringify(rest));
  const merged = [...same.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const hosts = [...new Set(group.flatMap((one) => one.host ?? []))];
    return [hosts.length < 2 ? first : { ...first, host: hostList(hosts) }];
  });
  if (all) return merged;
  const told: Diagnostic[] = [];
  for (const group of Map.groupBy(merged, (one) => (one.host === undefined ? one : one.code)).values()) {
    told.push(...group.slice(0, FULL_PER_CODE));
    const rest = group.slice(FULL_PER_CODE);
    const [next] = rest;
    if (next === undefined) continue;
    const hosts = rest.map((one) => one.host).filter((host) => host !== undefined);
    const { code, severity, summary } = next;
    const detail = `The same trouble on ${rest.length} more: ${hostList(hosts)}.`;
    told.push({ code, severity, summary, detail, hint: '-v tells each of them in full.' });
  }
  return told;
}
