import { defineResource, difference, joinScripts, known, notThere, sh, t } from 'farmctl';

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
has() {
  while read -r x device x address x; do
    [ "$device $address" != "$1 $2/32" ] || return 0
  done <<X
$there
X
  return 1
}`,
      ...all.map(
        ({ address, device }, index) => sh`record ${index}
if ! command -v ip >/dev/null; then unknown_because 'ip (iproute2) is not installed'
elif has ${device} ${address}; then field there yes
fi
end_record`,
      ),
    ]),
  parse: (record) => (record.has('there') ? known(true) : notThere),
  diff: ({ device }, there: boolean | undefined) =>
    there === undefined ? difference('create', [{ name: 'device', from: undefined, to: device }]) : undefined,
  apply: ({ address, device }) => ({
    script: sh`ip address replace ${`${address}/32`} dev ${device} scope host`,
  }),
  remove({ address, device }, there) {
    if (there === undefined) return { kind: 'gone' };
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
