import { joinScripts, type Script, sh } from 'farmctl';

interface ZoneFile {
  readonly name: string;
  readonly path: string;
}

/**
 * Proof for a primary: named answers, and serves each zone with the serial of its file. `rndc reload` ends with 0 for a
 * zone that cannot be loaded, and goes on serving the old one. Then the secondaries that answer are given ten seconds to
 * follow; that they do is their own matter.
 */
export function primaryVerify(zones: readonly ZoneFile[], secondaries: readonly string[]): Script {
  return joinScripts([
    sh`rndc status >/dev/null || exit 1
serial_at() {
  answer=$(dig +short +norecurse +time=1 +tries=1 "@$1" "$2" SOA) || return 1
  answer=$(printf %s "$answer" | cut -d ' ' -f 3)
}
served() {
  wanted=$(named-checkzone "$1" "$2" | sed -n 's/.*: loaded serial \([0-9]*\).*/\1/p')
  left=40
  until serial_at 127.0.0.1 "$1" && [ "$answer" = "$wanted" ]; do
    [ "$left" -gt 0 ] || { echo "zone $1: named serves serial '$answer', the file has '$wanted'" >&2; return 1; }
    left=$((left - 1))
    sleep 0.25
  done
}
patience=40
follow() {
  wanted=$answer
  until ! serial_at "$2" "$1" || [ -z "$answer" ] || [ "$answer" = "$wanted" ] || [ "$patience" -le 0 ]; do
    patience=$((patience - 1))
    sleep 0.25
  done
  answer=$wanted
}`,
    ...zones.flatMap(({ name, path }) => [
      sh`served ${name} ${path} || exit 1`,
      ...secondaries.map((address) => sh`follow ${name} ${address}`),
    ]),
    sh`exit 0`,
  ]);
}

/** Proof for a secondary: named answers. Its copies are resources of their own. */
export const secondaryVerify = sh`rndc status >/dev/null && dig +short +time=2 +tries=5 @127.0.0.1 localhost A >/dev/null`;

/** Good if nobody gets a zone without the key. */
export function closedCheck(zone: string, address: string): Script {
  return sh`dig +time=3 +tries=1 ${`@${address}`} ${zone} AXFR >&2 && ! dig +time=3 +tries=1 ${`@${address}`} ${zone} AXFR | grep -q SOA`;
}

/** Good if the primary gives the zone to whoever has the key. */
export function transferCheck(zone: string, primary: string, keyPath: string): Script {
  return sh`dig +time=3 +tries=1 -k ${keyPath} ${`@${primary}`} ${zone} AXFR | grep -q SOA`;
}

/** Good if both servers have the zone with the same serial. */
export function sameSerialCheck(zones: readonly string[], primary: string): Script {
  return joinScripts([
    sh`bad=0
same() {
  here=$(dig +short +norecurse +time=2 +tries=2 @127.0.0.1 "$1" SOA | cut -d ' ' -f 3)
  there=$(dig +short +norecurse +time=2 +tries=2 "@$2" "$1" SOA | cut -d ' ' -f 3)
  [ -n "$here" ] && [ "$here" = "$there" ] || { bad=1; echo "$1: serial here '$here', at the primary '$there'"; }
}`,
    ...zones.map((name) => sh`same ${name} ${primary}`),
    sh`exit $bad`,
  ]);
}
