import { defineResource, difference, joinScripts, known, notThere, sh, t } from 'farmctl';

/**
 * An address that heartbeat moves. Which node has it is heartbeat's matter; what counts is that heartbeat has been told
 * of it. One that it is no more told of would stay up where it is, so it is taken off there.
 */
export const movingAddress = defineResource({
  type: 'heartbeat-address',
  desired: t.object({
    address: t.string({ format: 'ipv4', description: 'The virtual address.' }),
    device: t.string({ pattern: '^[A-Za-z0-9_.@-]+$', description: 'The device that it is put on.' }),
  }),
  id: ({ address }) => address,
  probesTogether: true,
  probe: (all) =>
    joinScripts([
      sh`told= here=
[ ! -r /etc/ha.d/haresources ] || while read -r line; do case $line in '#'*) ;; *) told="$told $line " ;; esac; done </etc/ha.d/haresources
here=$(ip -4 -o address show 2>/dev/null)`,
      ...all.map(
        ({ address, device }, index) => sh`record ${index}
case $told in *${`::${address}/`}*) field told yes ;; esac
while read -r x on x has x; do
  case "$on $has" in ${`${device} ${address}/`}*) field here yes ;; esac
done <<X
$here
X
end_record`,
      ),
    ]),
  parse: (record) => (record.has('told') || record.has('here') ? known({ isTold: record.has('told') }) : notThere),
  diff: ({ address, device }, found: { readonly isTold: boolean } | undefined) =>
    found?.isTold === true
      ? undefined
      : difference('create', [{ name: 'moves', from: undefined, to: `${address} on ${device}` }]),
  apply: () => ({}),
  remove({ address, device }, found) {
    if (found === undefined) return { kind: 'gone' };
    return {
      kind: 'remove',
      difference: {
        action: 'delete',
        fields: [{ name: 'moves', from: `${address} on ${device}`, to: undefined }],
        texts: [],
        risk: 'outage',
        notes: ['It is taken off the node that has it.'],
      },
      effect: {
        script: sh`here() { ip -4 -o address show to ${`${address}/32`} dev ${device} | grep -q .; }
here || exit 0
/etc/ha.d/resource.d/IPaddr2 ${`${address}/32/${device}`} stop
! here || { echo ${`${address} is still on ${device}`} >&2; exit 1; }`,
      },
    };
  },
});
