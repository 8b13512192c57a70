import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { hostList } from './host-list.ts';

/** So many of one code are told in full where nobody asked for all (`-v`). */
const FULL_PER_CODE = 5;

/**
 * Diagnostics as they are told: what is the same on several hosts once, with all their names; of hosts that each have
 * their own text for the same trouble the first few, and the rest as a list of names. 800 dead hosts fit on a screen.
 */
export function groupDiagnostics(diagnostics: readonly Diagnostic[], all = false): readonly Diagnostic[] {
  const unknown = diagnostics.filter((one) => one.hostKey !== undefined);
  if (unknown.length > 1) {
    const others = diagnostics.filter((one) => one.hostKey === undefined);
    return [...groupDiagnostics(others, all), unknownKeys(unknown)];
  }
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

/** All host keys that nobody knows in one block: whoever compares fingerprints wants them together. */
function unknownKeys(diagnostics: readonly Diagnostic[]): Diagnostic {
  const hosts = [...new Set(diagnostics.flatMap(({ host }) => host ?? []))];
  const keys = [...new Set(diagnostics.flatMap(({ hostKey }) => hostKey?.shown ?? []))];
  const pins = [...new Set(diagnostics.flatMap(({ hostKey }) => hostKey?.pin ?? []))];
  const pin = pins.length === 1 ? `("${pins[0]}")` : 'of each host';
  return problem(
    'ssh/host-key-unknown',
    'Host keys not known',
    `Neither the inventory nor known_hosts has a key of these:\n${keys.join('\n')}`,
    {
      host: hostList(hosts),
      hint: `Compare the fingerprints with the hosts’ consoles (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then pin the key ${pin} in the inventory (ssh: host_keys) or run once with --accept-new.`,
    },
  );
}
