import { joinScripts, Script, sh } from 'farmctl';
import { lookAgain } from './ask-again.ts';
import type { listed } from './listed.ts';
import { CONFIG_PATH } from './paths.ts';

/** How long verify waits for ldirectord to fill the table, seconds. */
const PATIENCE = 20;

/**
 * ldirectord has no checker: `status` reads the configuration and ends with 3 if it is good and not in use. It is read
 * under another name, because for the name of a running daemon an error would take that one's pid file away.
 */
export const validateScript = sh`umask 077
cp ${CONFIG_PATH} /run/farmctl-check.cf || exit 1
ldirectord /run/farmctl-check.cf status
[ $? -eq 3 ]`;

const DRAIN = new Script(String.raw`leaving=
while read -r verb kind service flag real method rest; do
  [ "$verb" = -a ] || continue
  case $kept in *"$verb $kind $service $flag $real $newline"*) continue ;; esac
  case $method in -g | -m | -i) ;; *) continue ;; esac
  ipvsadm -e "$kind" "$service" -r "$real" "$method" -w 0 2>/dev/null || continue
  leaving="$leaving $real"
done <<X
$(ipvsadm -Sn 2>/dev/null)
X
while [ -n "$leaving" ] && [ "$left" -gt 0 ]; do
  active=0
  while read -r arrow real x x open x; do
    [ "$arrow" = '->' ] || continue
    case "$leaving " in *" $real "*) active=$((active + open)) ;; esac
  done <<X
$(ipvsadm -Ln 2>/dev/null | sed 1,3d)
X
  [ "$active" -gt 0 ] || break
  left=$((left - 1))
  sleep 1
done`);

/**
 * The reload. A server that leaves a service gets no new connections first and may finish those that it has; then
 * ldirectord takes it out.
 * @param rows the servers that stay, as `rows` says them
 */
export function drainScript(rows: readonly string[], seconds: number): Script {
  return joinScripts([
    sh`newline='
'
left=${seconds}
kept=${rows.map((row) => `${row}\n`).join('')}`,
    DRAIN,
    sh`systemctl reload ldirectord.service`,
  ]);
}

/**
 * Proof that ldirectord runs on the new set: all services are listed, and every server that answers, at two looks one
 * second apart, because at its start it lists all for a moment. Who is missing after that time is not the set's fault.
 */
export function filledScript(wanted: ReturnType<typeof listed>): Script {
  const asked = wanted.flatMap(({ key, quiescent, timeout, destinations }) =>
    destinations.map((one) => ({ ...one, key, quiescent, timeout })),
  );
  return joinScripts([
    lookAgain(asked),
    sh`full() {
  table=$(ipvsadm -Sn 2>/dev/null)`,
    ...wanted.map(
      ({ key, scheduler }) => sh`  case $table in *${`-A ${key} -s ${scheduler}`}*) ;; *) return 1 ;; esac`,
    ),
    sh`  case $(look_again) in *passes*) return 1 ;; esac
}
end=$(($(date +%s) + ${PATIENCE}))
row=0
while [ "$row" -lt 2 ] && [ "$(date +%s)" -lt "$end" ]; do
  if full; then row=$((row + 1)); else row=0; fi
  sleep 1
done
systemctl is-active -q ldirectord.service || exit 1
table=$(ipvsadm -Sn)`,
    ...wanted.map(
      ({ key, scheduler, name }) =>
        sh`case $table in *${`-A ${key} -s ${scheduler}`}*) ;; *) echo ${`service ${name} is not in the kernel's table`} >&2; exit 1 ;; esac`,
    ),
    sh`exit 0`,
  ]);
}
