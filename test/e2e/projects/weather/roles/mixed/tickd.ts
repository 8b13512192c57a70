/** A service made of a shell: it loads its files at its start and on HUP, and notes in /run/tick.loaded what it found. */
export const TICKD = `#!/bin/sh
load() {
  cat /etc/tick/main.conf /etc/tick/more.d/* >/run/tick.new
  echo "color \${COLOR-none}" >>/run/tick.new
  mv /run/tick.new /run/tick.loaded
}
trap load HUP
load
while :; do sleep 1000 & wait $!; done
`;

export const TICK_UNIT = `[Unit]
Description=Ticks
[Service]
ExecStart=/usr/local/sbin/tickd
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`;

export const TICK_DROP_IN = `[Service]
Environment=COLOR=blue
`;
