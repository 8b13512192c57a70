import type { Degree } from './host.ts';

/** Systems that the lab can make: the inventory's word for each and Debian's code name. */
export const CODENAMES: Readonly<Record<string, string>> = { 'debian-12': 'bookworm', 'debian-13': 'trixie' };

/** A blank host: what a minimal installation of Debian has. No python, no perl but perl-base, no curl. */
export const BLANK_PACKAGES = [
  'ca-certificates',
  'dbus',
  'iproute2',
  'iputils-ping',
  'kmod',
  'netbase',
  'openssh-server',
  'procps',
  'sudo',
  'systemd',
  'systemd-sysv',
  // Without it a package asks for usrmerge, which brings all of perl.
  'usr-is-merged',
];

/** What the roles install by name. */
const ROLE_PACKAGES = [
  'apache2',
  'bind9',
  'bind9-dnsutils',
  'chrony',
  'curl',
  'heartbeat',
  'ipvsadm',
  'ldirectord',
  'libdbd-mysql-perl',
  'nfs-common',
  'nfs-kernel-server',
  'php-fpm',
  'tzdata',
];

/** What the degree `deps` leaves out: what a role installs by name, and dependencies with a service of their own. */
const LEFT_OUT_PATTERN = `^(${ROLE_PACKAGES.join('|')}|php[0-9.]+-fpm|rpcbind)$`;

const GENERATORS = [
  'cryptsetup',
  'debug',
  'getty',
  'gpt-auto',
  'hibernate-resume',
  'integritysetup',
  'rc-local',
  'run',
  'system-update',
  'veritysetup',
];

const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'systemd-tmpfiles-clean.timer',
];

/**
 * Run in the new system's root folder, which is `$1`; `$2` holds apt's further settings. The network is brought up by
 * a oneshot that reads /etc/lab-network, by nothing that stays: no daemon takes away addresses that others have added.
 */
export const BLANK_SETUP = `set -eu
root=$1
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
rm -f "$root/etc/resolv.conf"
echo 'nameserver 127.0.0.1' >"$root/etc/resolv.conf"
printf '%s\\n' "$2" 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/90lab"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"

# Each host makes its own key, of one kind.
echo 'HostKey /etc/ssh/ssh_host_ed25519_key' >"$root/etc/ssh/sshd_config.d/lab.conf"
mkdir -p "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/lab.conf" <<'END'
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
END

cat >"$root/etc/systemd/system/lab-network.service" <<'END'
[Unit]
Description=Addresses that the lab gives to this host
DefaultDependencies=no
After=local-fs.target systemd-sysctl.service
Before=network-pre.target network.target network-online.target shutdown.target
Wants=network.target
Conflicts=shutdown.target
ConditionPathExists=/etc/lab-network
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'exec ip -force -batch /etc/lab-network'
[Install]
WantedBy=sysinit.target network-online.target
END

# Every daemon-reload runs all generators.
mkdir -p "$root/etc/systemd/system-generators"
for name in ${GENERATORS.join(' ')}; do
  ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$name-generator"
done
systemctl -q --root="$root" enable ssh.service lab-network.service
systemctl -q --root="$root" disable systemd-networkd.service systemd-networkd.socket
systemctl -q --root="$root" mask ${MASKED.join(' ')}

chroot "$root" useradd -m -s /bin/bash -u 1000 -g operator -G sudo operator
echo operator:operator | chroot "$root" chpasswd
`;

/**
 * A fresh process of each must find its configuration first: nothing that a layer's packages bring starts by itself.
 * Some have a unit only by their script in init.d.
 */
const NOTE_PACKAGES = `dpkg-query -W -f '\${Package}\\n' | sort >/tmp/before`;
const DISABLE_NEW_UNITS = `dpkg-query -W -f '\${Package}\\n' | sort | comm -13 /tmp/before - >/tmp/new
units=$(xargs dpkg -L </tmp/new | sed -n \
  -e 's#^\\(/usr\\)*/lib/systemd/system/\\([^/@]*\\.\\(service\\|socket\\|timer\\|path\\|target\\)\\)$#\\2#p' \
  -e 's#^/etc/init\\.d/\\([^/]*\\)$#\\1.service#p' | sort -u)
for unit in $units; do systemctl -q disable "$unit" || echo "not disabled: $unit"; done
rm -f /tmp/before /tmp/new
`;

/** Run by the shell in the new layer, as root, with a network through the proxy that apt's settings name. */
const LAYER_SETUPS: Readonly<Record<Exclude<Degree, 'blank'>, string>> = {
  deps: `set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
export SYSTEMD_OFFLINE=1
${NOTE_PACKAGES}
install() { apt-get -q -y --no-install-recommends install "$@"; }
plan() { apt-get -s --no-install-recommends install ${ROLE_PACKAGES.join(' ')}; }
plan >/dev/null || apt-get -q update
all=$(plan | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p' | grep -Ev '${LEFT_OUT_PATTERN}')
install $all || { apt-get -q update; install $all; }
apt-mark auto $all >/dev/null
apt-get clean
${DISABLE_NEW_UNITS}`,
  warm: `set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
export SYSTEMD_OFFLINE=1
${NOTE_PACKAGES}
install() { apt-get -q -y --no-install-recommends install ${ROLE_PACKAGES.join(' ')}; }
install || { apt-get -q update; install; }
apt-get clean
${DISABLE_NEW_UNITS}`,
};

/** One layer of an image. */
export interface Layer {
  readonly degree: Degree;
  /** Shell text that makes it; what it depends on is part of its digest. */
  readonly setup: string;
}

/** @returns the layers that make a degree, the lowest first */
export function layersOf(degree: Degree): readonly Layer[] {
  const blank: Layer = { degree: 'blank', setup: `${BLANK_PACKAGES.join(',')}\n${BLANK_SETUP}` };
  if (degree === 'blank') return [blank];
  const deps: Layer = { degree: 'deps', setup: LAYER_SETUPS.deps };
  if (degree === 'deps') return [blank, deps];
  return [blank, deps, { degree: 'warm', setup: LAYER_SETUPS.warm }];
}
