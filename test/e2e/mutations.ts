import { fileMutations, type Mutation } from './file-mutations.ts';

/** Files, and the resource that each belongs to. */
const FILES: Readonly<Record<string, string>> = {
  '/srv/things/plain': 'file /srv/things/plain',
  '/srv/things/hidden': 'file /srv/things/hidden',
  "'/srv/things/owned.d/two words'": 'ownedDirectory /srv/things/owned.d',
  '/srv/things/owned.d/one': 'ownedDirectory /srv/things/owned.d',
  '/usr/local/sbin/tickd': 'file /usr/local/sbin/tickd',
  '/etc/systemd/system/things.target': 'unitFile things.target',
  '/etc/systemd/system/things.target.d/farmctl.conf': 'dropIn things.target farmctl',
  '/etc/systemd/system/tick.service': 'service tick.service',
  '/etc/systemd/system/tick.service.d/farmctl.conf': 'service tick.service',
  '/etc/tick/main.conf': 'service tick.service',
  '/etc/tick/more.d/first': 'service tick.service',
  '/etc/systemd/system/cron-like.service': 'service cron-like.service',
  '/etc/sysctl.d/60-farmctl-net.ipv4.ip_default_ttl.conf': 'sysctl net.ipv4.ip_default_ttl',
};

/** Symlinks, and the resource that each belongs to. */
const LINKS: Readonly<Record<string, string>> = {
  '/srv/things/link': 'symlink /srv/things/link',
  '/srv/things/owned.d/three': 'ownedDirectory /srv/things/owned.d',
  '/etc/tick/alias': 'service tick.service',
};

const linkMutations = Object.entries(LINKS).flatMap(([path, resource]) => [
  { name: `${path}: another target`, script: `ln -sfT /etc/hostname ${path}`, found: [resource] },
  { name: `${path}: the same target, absolute`, script: `ln -sfT "$(readlink -f ${path})" ${path}`, found: [resource] },
  { name: `${path}: a file`, script: `rm ${path}; echo file >${path}`, found: [resource] },
  { name: `${path}: removed`, script: `rm ${path}`, found: [resource] },
]);

/** Directories whose mode and owners are managed. */
const DIRECTORIES: Readonly<Record<string, string>> = {
  '/srv/things': 'directory /srv/things',
  '/srv/things/owned.d': 'ownedDirectory /srv/things/owned.d',
  '/etc/tick/more.d': 'service tick.service',
};

const directoryMutations = Object.entries(DIRECTORIES).flatMap(([path, resource]) => [
  { name: `${path}: mode`, script: `chmod 711 ${path}`, found: [resource] },
  { name: `${path}: sticky`, script: `chmod +t ${path}`, found: [resource] },
  { name: `${path}: owner`, script: `chown games ${path}`, found: [resource] },
  { name: `${path}: group`, script: `chgrp games ${path}`, found: [resource] },
]);

/** Directories of which each name is managed. */
const extraNames = ['/srv/things/owned.d', '/etc/tick/more.d'].flatMap((path) => {
  const found = [DIRECTORIES[path] ?? ''];
  return [
    { name: `${path}: an extra file`, script: `echo extra >${path}/extra`, found },
    { name: `${path}: an extra hidden file`, script: `: >${path}/.extra`, found },
    { name: `${path}: an extra name that is hostile`, script: `echo x >"${path}/-e $(id) 'q' é"`, found },
    { name: `${path}: an extra link`, script: `ln -s /nonexistent ${path}/dangling`, found },
    { name: `${path}: all of it removed`, script: `rm -r ${path}`, found },
  ];
});

const accounts: readonly Mutation[] = [
  { name: 'user: shell', script: 'usermod -s /bin/bash sailor', found: ['user sailor'] },
  { name: 'user: comment', script: "usermod -c 'Somebody' sailor", found: ['user sailor'] },
  // The key lies in the home directory.
  { name: 'user: home', script: 'usermod -d /home/other sailor', found: ['user sailor', 'authorizedKey KEY'] },
  { name: 'user: out of a group', script: 'gpasswd -d sailor adm >/dev/null', found: ['user sailor'] },
  { name: 'user: another primary group', script: 'usermod -g games sailor', found: ['user sailor'] },
  {
    name: 'user: removed',
    script: 'userdel sailor',
    found: ['user sailor', 'authorizedKey KEY', 'directory /srv/things', 'file /srv/things/plain'],
  },
  {
    name: 'group: another number',
    script: 'groupmod -g 2199 crew',
    found: ['group crew', 'directory /srv/things', 'file /srv/things/plain', 'ownedDirectory /srv/things/owned.d'],
  },
];

const keys: readonly Mutation[] = [
  {
    name: 'key: removed',
    script: 'sed -i /sailor@example/d ~sailor/.ssh/authorized_keys',
    found: ['authorizedKey KEY'],
  },
  { name: 'key: file removed', script: 'rm ~sailor/.ssh/authorized_keys', found: ['authorizedKey KEY'] },
  {
    name: 'key: options put before it',
    script: "sed -i 's/^ssh-ed25519/no-pty &/' ~sailor/.ssh/authorized_keys",
    found: ['authorizedKey KEY'],
  },
  {
    name: 'key: another comment',
    script: 'sed -i s/sailor@example/x@y/ ~sailor/.ssh/authorized_keys',
    found: ['authorizedKey KEY'],
  },
  { name: 'key: twice', script: 'sed -i p ~sailor/.ssh/authorized_keys', found: ['authorizedKey KEY'] },
  { name: 'key: writable by others', script: 'chmod 666 ~sailor/.ssh/authorized_keys', found: ['authorizedKey KEY'] },
  { name: 'key: of another owner', script: 'chown games ~sailor/.ssh/authorized_keys', found: ['authorizedKey KEY'] },
  { name: 'key: directory writable by others', script: 'chmod 777 ~sailor/.ssh', found: ['authorizedKey KEY'] },
  {
    name: 'key: one more of somebody else',
    script: "echo 'ssh-ed25519 AAAAother other' >>~sailor/.ssh/authorized_keys",
    found: [],
    near: ['authorizedKey KEY', 'user sailor'],
  },
];

const services: readonly Mutation[] = [
  { name: 'service: stopped', script: 'systemctl stop tick', found: ['service tick.service'] },
  { name: 'service: killed', script: 'systemctl kill -s KILL tick; sleep 0.5', found: ['service tick.service'] },
  { name: 'service: disabled', script: 'systemctl -q disable tick', found: ['service tick.service'] },
  { name: 'service: stopped and disabled', script: 'systemctl -q disable --now tick', found: ['service tick.service'] },
  {
    name: 'service: masked',
    script: 'mv /etc/systemd/system/tick.service /root/; systemctl -q mask tick',
    found: ['service tick.service'],
  },
  {
    name: 'service: edited and loaded, put back and not loaded',
    script:
      'cp -p /etc/tick/main.conf /root/; echo x >>/etc/tick/main.conf; systemctl reload tick; cp -p /root/main.conf /etc/tick/',
    found: ['service tick.service'],
    near: ['file /usr/local/sbin/tickd'],
  },
  {
    name: 'service: a file touched by a clock ahead',
    script: "touch -d '+1 day' /etc/tick/main.conf",
    found: ['service tick.service'],
  },
  {
    name: 'service: a file touched by a clock behind',
    script: "touch -d '-1 day' /etc/tick/main.conf",
    found: ['service tick.service'],
  },
  {
    name: 'service: a foreign drop-in, not loaded',
    script: "printf '[Service]\\nNice=5\\n' >/etc/systemd/system/tick.service.d/zz.conf",
    found: ['service tick.service'],
  },
  {
    name: 'service: restarted',
    script: 'systemctl restart tick',
    found: [],
    near: ['service tick.service', 'file /usr/local/sbin/tickd'],
  },
  {
    name: 'service: reloaded',
    script: 'systemctl reload tick',
    found: [],
    near: ['service tick.service', 'file /usr/local/sbin/tickd'],
  },
  { name: 'quiet service: started', script: 'systemctl start cron-like', found: ['service cron-like.service'] },
  { name: 'quiet service: enabled', script: 'systemctl -q enable cron-like', found: ['service cron-like.service'] },
  {
    name: 'quiet service: enabled and started',
    script: 'systemctl -q enable --now cron-like',
    found: ['service cron-like.service'],
  },
];

const others: readonly Mutation[] = [
  { name: 'empty file: filled', script: 'echo x >/srv/things/empty', found: ['file /srv/things/empty'] },
  { name: 'empty file: removed', script: 'rm /srv/things/empty', found: ['file /srv/things/empty'] },
  { name: 'absent: a file', script: 'echo x >/srv/things/gone', found: ['absent /srv/things/gone'] },
  {
    name: 'absent: a link to nothing',
    script: 'ln -s /nonexistent /srv/things/gone',
    found: ['absent /srv/things/gone'],
  },
  { name: 'absent: an empty directory', script: 'mkdir /srv/things/gone', found: ['absent /srv/things/gone'] },
  { name: 'absent: a fifo', script: 'mkfifo /srv/things/gone', found: ['absent /srv/things/gone'] },
  { name: 'mark: gone', script: 'rm /srv/things/mark', found: ['exec mark'] },
  {
    name: 'sysctl: live',
    script: 'echo 64 >/proc/sys/net/ipv4/ip_default_ttl',
    found: ['sysctl net.ipv4.ip_default_ttl'],
  },
  { name: 'package: removed', script: 'dpkg --remove ed >/dev/null', found: ['packages ed'] },
  { name: 'package: purged', script: 'dpkg --purge ed >/dev/null', found: ['packages ed'] },
  {
    name: 'block: a line changed',
    script: 'sed -i s/THINGS=1/THINGS=2/ /etc/profile',
    found: ['block /etc/profile things'],
  },
  {
    name: 'block: a line added',
    script: "sed -i '/THINGS=1/a echo' /etc/profile",
    found: ['block /etc/profile things'],
  },
  {
    name: 'block: gone',
    script: "sed -i '/BEGIN farmctl/,/END farmctl/d' /etc/profile",
    found: ['block /etc/profile things'],
  },
  { name: 'block: mode of its file', script: 'chmod 600 /etc/profile', found: [], near: ['block /etc/profile things'] },
  {
    name: 'block: a line before it',
    script: "sed -i '1i # hello' /etc/profile",
    found: [],
    near: ['block /etc/profile things'],
  },
  { name: 'unmanaged: a file beside managed ones', script: 'echo x >/srv/things/other', found: [] },
  {
    name: 'unmanaged: times of a file',
    script: 'touch -d 2001-01-01 /srv/things/plain',
    found: [],
    near: ['file /srv/things/plain'],
  },
  {
    name: 'unmanaged: a file rewritten alike',
    script: 'cp -p /srv/things/plain /root/p && mv /root/p /srv/things/plain',
    found: [],
    near: ['file /srv/things/plain'],
  },
  { name: 'unmanaged: what the mark holds', script: 'echo x >/srv/things/mark', found: [], near: ['exec mark'] },
  { name: 'unmanaged: another setting of the kernel', script: 'echo 2 >/proc/sys/net/ipv4/tcp_syn_retries', found: [] },
];

/** All that the test draws from. */
export const MUTATIONS: readonly Mutation[] = [
  ...fileMutations(FILES),
  ...linkMutations,
  ...directoryMutations,
  ...extraNames,
  ...accounts,
  ...keys,
  ...services,
  ...others,
];
