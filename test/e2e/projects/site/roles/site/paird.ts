/**
 * A service made of a shell: it loads two files that must be of one generation and notes in /run/pair.loaded what it
 * serves, in /var/log/pair-half each time it found half a set. `paird check` is its own checker. A test can let
 * something happen just then: /root/on-check (while a set is staged) and /root/on-load (after it was swapped in).
 */
export const PAIRD = `#!/bin/sh
hook() { [ ! -x "/root/on-$1" ] || "/root/on-$1"; }
of() { sed -n "s/^$1 //p" "/etc/pair/$2.conf"; }
case ${'${1-run}'} in
  check)
    hook check
    [ "$(of generation a)" = "$(of generation b)" ] || { echo "a.conf and b.conf are of two generations"; exit 1; }
    [ "$(of bad a)" != yes ] || { echo "a.conf: bad is not good"; exit 1; }
    exit 0
    ;;
esac
load() {
  hook load
  a=$(of generation a) b=$(of generation b)
  [ "$a" = "$b" ] || echo "$a and $b" >>/var/log/pair-half
  [ "$(of crash a)" != yes ] && [ ! -e /root/crash ] || exit 1
  sites=$(cd /etc/pair/sites.d && echo *)
  echo "$a $b $sites" >/run/pair.new && mv /run/pair.new /run/pair.loaded
}
trap load HUP
load
while :; do sleep 1000 & wait $!; done
`;

export const UNIT = `[Unit]
Description=Pair of files
[Service]
ExecStartPre=/bin/rm -f /run/pair.loaded
ExecStart=/usr/local/sbin/paird
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`;
