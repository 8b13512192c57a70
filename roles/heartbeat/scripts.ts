import { joinScripts, type Script, sh } from 'farmctl';

const DAEMON = '/usr/libexec/heartbeat/heartbeat';

/** What `validate` needs. */
export const CHECKERS = [DAEMON];

/**
 * Heartbeat itself reads the set, in namespaces where neither its state nor any network nor process of the host is to be
 * reached: it has no other way to check, and where no daemon is found it starts one. It looks neither at devices nor at
 * agents.
 */
export function validateScript(devices: readonly string[], agents: readonly string[]): Script {
  const inside = `mount -t tmpfs none /var/lib/heartbeat && mkdir -p /run/heartbeat /run/lock/subsys &&
rm -f /run/heartbeat.pid && exec ${DAEMON} -r`;
  return joinScripts([
    sh`bad=0`,
    ...devices.map(
      (device) => sh`[ -e ${`/sys/class/net/${device}`} ] || { echo ${`there is no device ${device}`}; bad=1; }`,
    ),
    ...agents.map(
      (agent) =>
        sh`[ -x ${`/etc/ha.d/resource.d/${agent}`} ] || [ -x ${`/etc/init.d/${agent}`} ] || { echo ${`there is no resource agent ${agent}`}; bad=1; }`,
    ),
    sh`unshare -m -n -p -f --kill-child --mount-proc sh -c ${inside} || exit
exit $bad`,
  ]);
}

/** Where no daemon runs, `-r` would start one outside of systemd. */
export const reloadScript = sh`systemctl is-active -q heartbeat.service || exit 0
exec ${DAEMON} -r`;

/**
 * Seconds that the proof waits at most for a daemon that does not speak: a little less than what a proof as a whole is
 * given, with what comes behind.
 */
const LONGEST_SILENCE = 35;

/**
 * Proof that the daemon runs with the parameters of the new set. A daemon that started alone says nothing for `initdead`
 * seconds, as it waits for the other node; where that is longer than a proof may last, it is enough that it runs. Then it is
 * given time to agree with the other node who has what, so that the other one is not changed before this one could take
 * over; that they agree is no matter of the configuration. Where they cannot yet, as the other one has still the old key
 * or port, it is changed in time: after `initdead` seconds without a word this one would take the addresses.
 * @param initdead in seconds
 */
export function verifyScript(parameters: Readonly<Record<string, string>>, initdead: number): Script {
  const agreement = Math.max(1, Math.min(18, Math.floor(initdead - 2)));
  const wanted = Object.entries(parameters).map(
    ([name, value]) => sh` && [ "$(cl_status hbparameter -p ${name} 2>/dev/null)" = ${value} ]`,
  );
  const isSilentForLong = initdead + 10 > LONGEST_SILENCE;
  const silence = isSilentForLong ? LONGEST_SILENCE : Math.ceil(initdead + 10);
  const enough = sh`systemctl -q is-active heartbeat.service && ! cl_status hbstatus >/dev/null 2>&1 && exit 0`;
  return sh`seconds() { cut -d . -f 1 /proc/uptime; }
end=$(($(seconds) + ${silence}))
until systemctl is-active -q heartbeat.service && cl_status hbstatus >/dev/null 2>&1${joined(wanted)}; do
  [ "$(seconds)" -lt "$end" ] || { ${isSilentForLong ? enough : sh`:`}; echo "heartbeat does not run with the new parameters"; exit 1; }
  sleep 0.25
done
end=$(($(seconds) + ${agreement}))
while [ "$(seconds)" -lt "$end" ]; do
  case $(cl_status rscstatus 2>/dev/null) in local | foreign | all | none) break ;; esac
  sleep 0.5
done
exit 0`;
}

function joined(scripts: readonly Script[]): Script {
  return scripts.reduce((all, one) => sh`${all}${one}`, sh``);
}
