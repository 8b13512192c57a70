import { defineResource, difference, joinScripts, known, notThere, sh, t } from 'farmctl';
import { MARKS_PATH } from './paths.ts';

/** Which packets get which mark, as the kernel has it. */
const rule = t.object({
  address: t.string({ format: 'ipv4', description: 'Where they go.' }),
  protocol: t.enum(['tcp', 'udp'], { description: 'Transport.' }),
  ports: t.array(t.port(), { description: 'Ports.' }),
  mark: t.integer({ description: 'The mark.' }),
});

const RULE =
  /^ip daddr (?<address>\S+) (?<protocol>tcp|udp) dport (?:\{ (?<several>[\d, ]+) \}|(?<one>\d+)) meta mark set (?<mark>0x[0-9a-f]+|\d+)$/;

/** `mangle` is a name for that. */
const HOOK = 'type filter hook prerouting priority -150; policy accept;';

/** `10.77.0.100 tcp 80, 443: mark 7`, as people read it. */
function shown(address: string, protocol: string, ports: readonly number[], mark: number): string {
  return `${address} ${protocol} ${[...ports].sort((one, other) => one - other).join(', ')}: mark ${mark}`;
}

/** Reads what `nft -n list table` prints: a line for each rule, what is none of ours as it is written. Sorted. */
export function parseMarks(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => !/^(|\}|table ip farmctl_lvs \{|chain marks \{)$/.test(line) && line !== HOOK)
    .map((line) => {
      const { address = '', protocol = '', several, one = '', mark } = RULE.exec(line)?.groups ?? {};
      return mark === undefined
        ? line
        : shown(address, protocol, (several ?? one).split(',').map(Number), Number(mark));
    })
    .concat(lines.includes(HOOK) ? [] : ['no hook'])
    .sort();
}

/** The table of marks as the kernel has it: the unit that loads it does not see when somebody changes it. */
export const firewallMarks = defineResource({
  type: 'firewall-marks',
  desired: t.object({ rules: t.array(rule, { description: 'All rules.' }) }),
  id: () => 'farmctl_lvs',
  probe: (all) =>
    joinScripts(
      all.map(
        (_, index) => sh`record ${index}
if ! command -v nft >/dev/null; then unknown_because 'nft (nftables) is not installed'
elif loaded=$(nft -n list table ip farmctl_lvs 2>/dev/null); then field loaded "$loaded"
fi
end_record`,
      ),
    ),
  parse: (record) => (record.has('loaded') ? known(parseMarks(record.text('loaded'))) : notThere),
  diff({ rules }, loaded: readonly string[] | undefined) {
    const wanted = rules.map((one) => shown(one.address, one.protocol, one.ports, one.mark)).sort();
    return difference(loaded === undefined ? 'create' : 'update', [
      { name: 'loaded', from: loaded?.join('; '), to: wanted.join('; ') },
    ]);
  },
  apply: () => ({ script: sh`nft -f ${MARKS_PATH}` }),
  remove(_desired, loaded) {
    if (loaded === undefined) return { kind: 'gone' };
    return {
      kind: 'remove',
      difference: {
        action: 'delete',
        fields: [{ name: 'loaded', from: loaded.join('; '), to: undefined }],
        texts: [],
        risk: 'outage',
        notes: [],
      },
      effect: { script: sh`nft delete table ip farmctl_lvs` },
    };
  },
});
