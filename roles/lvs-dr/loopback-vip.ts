import { defineResource, difference, type Field, joinScripts, known, notThere, sh, t } from 'farmctl';

interface VipState {
  readonly isThere: boolean;
  /** The same address on other devices, where it would be answered for: `10.77.0.100/32 eth0`. */
  readonly elsewhere: readonly string[];
}

/**
 * A virtual address on a real server, where nobody asks for it: on the loopback device, or on the device of a tunnel.
 * The oneshot unit brings it at boot; this sees whether it is there now, and takes it away where nobody wants it.
 */
export const loopbackVip = defineResource({
  type: 'loopback-vip',
  desired: t.object({
    address: t.string({ description: 'The virtual address.' }),
    device: t.string({ description: '`lo`, or `tunl0`.' }),
  }),
  id: ({ address, device }) => `${address} ${device}`,
  title: ({ address, device }) => `${address} on ${device}`,
  probesTogether: true,
  probe: (all) =>
    joinScripts([
      sh`there=$(ip -4 -o address show 2>&1)
tell() {
  elsewhere=
  record "$1"
  while read -r x device x address x; do
    case "$device $address" in
      "$3 $2/32") field there yes ;;
      *" $2/"*) elsewhere="$elsewhere$address $device
" ;;
    esac
  done <<X
$there
X
  field elsewhere "$elsewhere"
  end_record
}`,
      ...all.map(
        ({ address, device }, index) => sh`if command -v ip >/dev/null; then tell ${index} ${address} ${device}
else
  record ${index}
  unknown_because 'ip (iproute2) is not installed'
  end_record
fi`,
      ),
    ]),
  parse(record) {
    const elsewhere = record
      .text('elsewhere')
      .split('\n')
      .filter((one) => one !== '');
    const isThere = record.has('there');
    return isThere || elsewhere.length > 0 ? known<VipState>({ isThere, elsewhere }) : notThere;
  },
  diff({ address, device }, found: VipState | undefined) {
    const fields: Field[] = [{ name: 'device', from: found?.isThere === true ? device : undefined, to: device }];
    for (const one of found?.elsewhere ?? []) fields.push({ name: 'also', from: one, to: undefined });
    const notes =
      found === undefined || found.elsewhere.length === 0 ? [] : [`Others are told that ${address} is here.`];
    return difference(found === undefined ? 'create' : 'update', fields, { notes });
  },
  apply: ({ address, device }, found) => ({
    script: joinScripts([
      sh`ip address replace ${`${address}/32`} dev ${device} scope host || exit 1`,
      ...(found?.elsewhere ?? []).map((one) => {
        const [its = '', other = ''] = one.split(' ');
        return sh`ip address del ${its} dev ${other} || exit 1`;
      }),
    ]),
  }),
  // The unit, whose turn is before this, has put the address on its device.
  covers: (_desired, planned, found) =>
    (found?.elsewhere ?? []).every((one) => planned?.elsewhere.includes(one) ?? false),
  remove({ address, device }, found) {
    if (found?.isThere !== true) return { kind: 'gone' };
    return {
      kind: 'remove',
      difference: {
        action: 'delete',
        fields: [{ name: 'device', from: device, to: undefined }],
        texts: [],
        risk: 'none',
        notes: ['Requests for it are not answered here any more.'],
      },
      effect: { script: sh`ip address del ${`${address}/32`} dev ${device}` },
    };
  },
});
