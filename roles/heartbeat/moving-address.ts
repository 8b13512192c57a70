import { defineResource, difference, joinScripts, known, notThere, type Script, sh, t } from 'farmctl';

interface AddressState {
  /** Heartbeat knows of it. */
  readonly isTold: boolean;
  /** It is on its device. */
  readonly isHere: boolean;
  /** By what heartbeat says, this node has it. Undefined where heartbeat does not run or is just moving it. */
  readonly isOurs: boolean | undefined;
}

/** The agent that puts it on and takes it off, as heartbeat itself calls it. */
function agent(address: string, device: string, verb: 'start' | 'stop'): Script {
  return sh`/etc/ha.d/resource.d/IPaddr2 ${`${address}/32/${device}`} ${verb}`;
}

const removal = (
  address: string,
  device: string,
): Script => sh`here() { ip -4 -o address show to ${`${address}/32`} dev ${device} | grep -q .; }
here || exit 0
${agent(address, device, 'stop')}
# The agent leaves what somebody put there with another prefix.
ip -4 -o address show to ${`${address}/32`} dev ${device} | while read -r x x x has x; do ip address del "$has" dev ${device}; done
! here || { echo ${`${address} is still on ${device}`} >&2; exit 1; }`;

/** Which way the address is not where heartbeat says it is. */
function misplaced(found: AddressState): 'missing' | 'foreign' | undefined {
  if (found.isOurs === undefined || found.isOurs === found.isHere) return undefined;
  return found.isOurs ? 'missing' : 'foreign';
}

/**
 * An address that heartbeat moves. Which node has it is heartbeat's matter; what counts is that heartbeat has been told
 * of it, and that it is there exactly where heartbeat believes it to be: heartbeat does not look after it. One that it is
 * no more told of would stay up where it is, so it is taken off there.
 */
export const movingAddress = defineResource({
  type: 'heartbeat-address',
  desired: t.object({
    address: t.string({ format: 'ipv4', description: 'The virtual address.' }),
    device: t.string({ pattern: '^[A-Za-z0-9_.@-]+$', description: 'The device that it is put on.' }),
    group: t.enum(['local', 'foreign'], {
      description: 'What heartbeat calls it on this node: `local` where it is the preferred one.',
    }),
  }),
  id: ({ address }) => address,
  probesTogether: true,
  probe: (all) =>
    joinScripts([
      sh`told=
[ ! -r /etc/ha.d/haresources ] || while read -r line; do case $line in '#'*) ;; *) told="$told $line " ;; esac; done </etc/ha.d/haresources
look() {
  owned=$(cl_status rscstatus 2>/dev/null)
  case $owned in
    all | "$3") owned=yes ;;
    local | foreign | none) owned=no ;;
    *) owned= ;;
  esac
  here=no
  while read -r x on x has x; do
    case "$on $has" in "$2 $1/"*) here=yes ;; esac
  done <<X
$(ip -4 -o address show 2>/dev/null)
X
}
tell() {
  # What moves at this moment is given the time to arrive.
  for x in 1 2 3 4 5; do
    look "$2" "$3" "$4"
    case $owned in '' | $here) break ;; esac
    sleep 1
  done
  record "$1"
  case $told in *"::$2/"*) field told yes ;; esac
  field here "$here"
  field owned "$owned"
  end_record
}`,
      ...all.map(({ address, device, group }, index) => sh`tell ${index} ${address} ${device} ${group}`),
    ]),
  parse(record) {
    const owned = record.text('owned');
    const found: AddressState = {
      isTold: record.has('told'),
      isHere: record.text('here') === 'yes',
      isOurs: owned === '' ? undefined : owned === 'yes',
    };
    return found.isTold || found.isHere ? known(found) : notThere;
  },
  diff({ address, device }, found: AddressState | undefined) {
    if (found?.isTold !== true)
      return difference('create', [{ name: 'moves', from: undefined, to: `${address} on ${device}` }]);
    const how = misplaced(found);
    if (how === undefined) return undefined;
    if (how === 'missing')
      return difference('update', [{ name: device, from: 'missing', to: address }], {
        notes: ['Heartbeat believes that this node has it.'],
      });
    return difference('update', [{ name: device, from: address, to: undefined }], {
      risk: 'outage',
      notes: ['Heartbeat says that this node does not have it: it is taken off here.'],
    });
  },
  // The daemon was told of it in between, and may or may not have put it on.
  covers: (_desired, planned, found) => planned?.isTold !== true && found?.isTold === true,
  apply({ address, device }, found) {
    const how = found?.isTold === true ? misplaced(found) : undefined;
    if (how === undefined) return {};
    return { script: how === 'missing' ? agent(address, device, 'start') : removal(address, device) };
  },
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
      effect: { script: removal(address, device) },
    };
  },
});
