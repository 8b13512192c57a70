import { fileMutations, type Mutation } from './file-mutations.ts';

const VIP = '10.78.22.100';
const TABLE = 'ipvs-table all services';
const SERVICE = `-t ${VIP}:80`;
const REAL = '10.78.22.21:80';
/** Whether the real server passes its check decides whether its absence from the table is drift. */
const ANSWERS = 'media1 answers';
/** Who of the two has the address. */
const HOLDER = 'the holder of the address';

/** The kernel's table of a director; one of these at a time on a host. */
const balancing: readonly Mutation[] = Object.entries({
  'another weight': `ipvsadm -e ${SERVICE} -r ${REAL} -g -w 7`,
  'weight 0': `ipvsadm -e ${SERVICE} -r ${REAL} -g -w 0`,
  'another method': `ipvsadm -e ${SERVICE} -r ${REAL} -m -w 1`,
  'another scheduler': `ipvsadm -E ${SERVICE} -s rr`,
  persistence: `ipvsadm -E ${SERVICE} -s wlc -p 60`,
  'a foreign server': `ipvsadm -a ${SERVICE} -r 10.78.22.99:80 -g`,
  'a foreign service': `ipvsadm -A -t ${VIP}:443 -s rr`,
  'a foreign service with a mark': 'ipvsadm -A -f 5 -s rr && ipvsadm -a -f 5 -r 10.78.22.99 -g',
  'a server taken out that answers': `ipvsadm -d ${SERVICE} -r ${REAL}`,
  'the service taken out': `ipvsadm -D ${SERVICE}`,
  'all of it cleared': 'ipvsadm -C',
  timeouts: 'ipvsadm --set 60 60 60',
  'no synchronisation as master': 'ipvsadm --stop-daemon master',
  'no synchronisation as backup': 'ipvsadm --stop-daemon backup',
  'synchronisation of another pair':
    'ipvsadm --stop-daemon backup && ipvsadm --start-daemon backup --mcast-interface eth0 --syncid 9',
}).map(([name, script]) => ({ name: `table: ${name}`, script, found: [TABLE], needs: ANSWERS }));

export const director: readonly Mutation[] = [
  ...balancing,
  {
    name: 'table: a server in maintenance',
    script: `touch /etc/ha.d/maintenance/10.78.22.21; until ! ipvsadm -Sn | grep -q ' -r '; do sleep 0.5; done; rm /etc/ha.d/maintenance/10.78.22.21; until ipvsadm -Sn | grep -q ' -r '; do sleep 0.5; done`,
    found: [],
    near: [TABLE, 'service ldirectord.service', 'directory /etc/ha.d/maintenance'],
    needs: ANSWERS,
  },
  {
    name: 'sysctl: live',
    script: 'echo 0 >/proc/sys/net/ipv4/vs/expire_nodest_conn',
    found: ['sysctl net.ipv4.vs.expire_nodest_conn'],
  },
  {
    name: 'sysctl: at the next boot',
    script: 'rm /etc/sysctl.d/60-farmctl-net.ipv4.vs.expire_quiescent_template.conf',
    found: ['sysctl net.ipv4.vs.expire_quiescent_template'],
  },
  {
    name: 'module: at the next boot',
    script: 'rm /etc/modules-load.d/farmctl-ip_vs_wlc.conf',
    found: ['kernelModule ip_vs_wlc'],
  },
  {
    name: 'ipvsadm: unmasked',
    script: 'rm /etc/systemd/system/ipvsadm.service',
    found: ['symlink /etc/systemd/system/ipvsadm.service'],
  },
  { name: 'ldirectord: stopped', script: 'systemctl stop ldirectord', found: ['service ldirectord.service'] },
  {
    name: 'ldirectord: disabled',
    script: 'systemctl -q disable ldirectord',
    found: ['service ldirectord.service'],
  },
  {
    name: 'boot unit: stopped, and with it the synchronisation',
    script: 'systemctl stop farmctl-lvs',
    found: ['service farmctl-lvs.service', TABLE],
    near: ['service ldirectord.service'],
  },
  {
    name: 'maintenance: mode of its directory',
    script: 'chmod 700 /etc/ha.d/maintenance',
    found: ['directory /etc/ha.d/maintenance'],
  },
  {
    name: 'heartbeat: the address taken from who has it, or given to who has it not',
    script: `case $(cl_status rscstatus) in
  all | "$([ "$(uname -n)" = lb1 ] && echo local || echo foreign)") ip address del ${VIP}/32 dev eth0 ;;
  *) ip address add ${VIP}/32 dev eth0 ;;
esac`,
    found: [`heartbeat-address ${VIP}`],
    near: ['service heartbeat.service'],
    needs: HOLDER,
  },
  {
    name: 'heartbeat: stopped',
    script: 'systemctl stop heartbeat',
    found: ['service heartbeat.service'],
    breaks: HOLDER,
  },
  {
    name: 'heartbeat: disabled',
    script: 'systemctl -q disable heartbeat',
    found: ['service heartbeat.service'],
  },
  { name: 'heartbeat: a second log daemon', script: 'systemctl start logd', found: ['service logd.service'] },
];

/** What makes a file forget the address. */
const FORGOTTEN = /: (emptied|bytes that are no text|removed|a symlink to (another file|nothing))$/;

export const directorFiles: readonly Mutation[] = [
  ...fileMutations({
    '/etc/ha.d/ldirectord.cf': 'service ldirectord.service',
    '/etc/systemd/system/ldirectord.service.d/farmctl.conf': 'service ldirectord.service',
    '/etc/systemd/system/farmctl-lvs.service': 'service farmctl-lvs.service',
    '/etc/ha.d/ha.cf': 'service heartbeat.service',
    '/etc/ha.d/authkeys': 'service heartbeat.service',
    '/etc/systemd/system/heartbeat.service.d/farmctl.conf': 'service heartbeat.service',
  }),
  ...fileMutations({ '/etc/ha.d/haresources': 'service heartbeat.service' }).map((one) =>
    FORGOTTEN.test(one.name) ? { ...one, found: [...one.found, `heartbeat-address ${VIP}`] } : one,
  ),
];

const EXPORTS = 'nfs-exports server';
const NFS = 'service nfs-server.service';

export const server: readonly Mutation[] = [
  { name: 'table: an export taken out', script: 'exportfs -u 10.78.22.21/32:/srv/nfs/web', found: [EXPORTS] },
  { name: 'table: all taken out', script: 'exportfs -ua', found: [EXPORTS] },
  {
    name: 'table: a foreign client',
    script: 'exportfs -o rw,no_subtree_check 10.78.22.99:/srv/nfs/web',
    found: [EXPORTS],
  },
  {
    name: 'table: a foreign export',
    script: 'exportfs -o ro,no_subtree_check 10.78.22.21/32:/home',
    found: [EXPORTS],
  },
  {
    name: 'table: other options',
    script: 'exportfs -o rw,no_root_squash,no_subtree_check 10.78.22.21/32:/srv/nfs/web',
    found: [EXPORTS],
  },
  { name: 'fewer threads', script: 'rpc.nfsd 3', found: [EXPORTS] },
  { name: 'no threads', script: 'rpc.nfsd 0', found: [EXPORTS], near: [NFS] },
  { name: 'rpc.mountd: stopped', script: 'systemctl stop nfs-mountd', found: [EXPORTS, NFS] },
  { name: 'server: stopped', script: 'systemctl stop nfs-server', found: [NFS, EXPORTS] },
  { name: 'server: disabled', script: 'systemctl -q disable nfs-server', found: [NFS] },
  {
    name: 'a bad line that was loaded',
    script: 'sed -i "1i /srv/nfs/web *(rw,bogus)" /etc/exports.d/farmctl.exports && systemctl reload nfs-server',
    found: [NFS, EXPORTS],
  },
  {
    name: 'a further file of exports',
    script: 'echo "/home 10.78.22.0/24(ro,no_subtree_check)" >/etc/exports.d/more.exports',
    found: [NFS],
  },
  { name: 'a further file of settings', script: 'echo "[nfsd]" >/etc/nfs.conf.d/zz.conf', found: [NFS] },
  { name: 'directory: mode', script: 'chmod 777 /srv/nfs/web', found: ['directory /srv/nfs/web'] },
  { name: 'directory: owner', script: 'chown games /srv/nfs/web', found: ['directory /srv/nfs/web'] },
  {
    name: 'rpcbind: unmasked',
    script: 'rm /etc/systemd/system/rpcbind.socket',
    found: ['masked-unit rpcbind.socket'],
  },
  {
    name: 'owner of files: another shell',
    script: 'usermod -s /bin/sh farmweb',
    found: ['user farmweb'],
  },
].map((one) => (one.found.includes(EXPORTS) ? { ...one, breaks: ANSWERS } : one));

export const serverFiles: readonly Mutation[] = fileMutations({
  '/etc/exports': NFS,
  '/etc/exports.d/farmctl.exports': NFS,
  '/etc/nfs.conf.d/farmctl.conf': NFS,
});

const MOUNT = 'nfs-mount /srv/nfs/web';
const MOUNT_UNITS = ['unitFile srv-nfs-web.mount', 'unitFile srv-nfs-web.automount'];
const LOOPBACK = `loopback-vip ${VIP} lo`;
const REAL_UNIT = 'service farmctl-lvs-real.service';

/** One of these at a time on a host, and no change of the units meanwhile. */
const mounting: readonly Mutation[] = Object.entries({
  'read-only by hand': 'mount -o remount,bind,ro /srv/nfs/web',
  'with set-user-ID and devices': 'mount -o remount,bind,suid,dev /srv/nfs/web',
  'something else over it': 'mount -t tmpfs none /srv/nfs/web',
  'mounted a second time over it': 'mount -t nfs4 -o ro 10.78.22.31:/srv/nfs/web /srv/nfs/web',
  'other options': 'umount /srv/nfs/web && mount -t nfs4 -o soft,timeo=50 10.78.22.31:/srv/nfs/web /srv/nfs/web',
  'automount stopped': 'systemctl stop srv-nfs-web.automount',
  'automount disabled': 'systemctl -q disable srv-nfs-web.automount',
  'stopped and disabled': 'systemctl -q disable --now srv-nfs-web.automount; systemctl stop srv-nfs-web.mount',
}).map(([name, script]) => ({ name: `mount: ${name}`, script, found: [MOUNT], near: MOUNT_UNITS, breaks: ANSWERS }));

export const realServer: readonly Mutation[] = [
  ...mounting,
  {
    name: 'mount: unmounted by hand, its automount waits',
    script: 'umount /srv/nfs/web',
    found: [],
    near: [MOUNT, ...MOUNT_UNITS],
    breaks: ANSWERS,
  },
  { name: 'VIP: taken from the loopback device', script: `ip address del ${VIP}/32 dev lo`, found: [LOOPBACK] },
  { name: 'VIP: on a device that answers for it', script: `ip address add ${VIP}/32 dev eth0`, found: [LOOPBACK] },
  {
    name: 'VIP: its unit stopped',
    script: 'systemctl stop farmctl-lvs-real',
    found: [REAL_UNIT, LOOPBACK],
  },
  { name: 'VIP: its unit disabled', script: 'systemctl -q disable farmctl-lvs-real', found: [REAL_UNIT] },
  {
    name: 'ARP: answers for all addresses',
    script: 'echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore',
    found: ['sysctl net.ipv4.conf.all.arp_ignore'],
  },
  {
    name: 'ARP: announces all addresses',
    script: 'sysctl -q -w net.ipv4.conf.all.arp_announce=0',
    found: ['sysctl net.ipv4.conf.all.arp_announce'],
  },
  {
    name: 'ARP: another value at the next boot',
    script: 'sed -i s/=.*/=0/ /etc/sysctl.d/60-farmctl-net.ipv4.conf.all.arp_ignore.conf',
    found: ['sysctl net.ipv4.conf.all.arp_ignore'],
  },
  {
    name: 'rpcbind: unmasked',
    script: 'rm /etc/systemd/system/rpcbind.service',
    found: ['masked-unit rpcbind.service'],
  },
  {
    name: 'web server: stopped',
    script: 'systemctl stop apache2',
    found: ['service apache2.service'],
    near: [MOUNT],
    breaks: ANSWERS,
  },
];

export const realServerFiles: readonly Mutation[] = [
  ...fileMutations({
    '/etc/systemd/system/srv-nfs-web.mount': 'unitFile srv-nfs-web.mount',
    '/etc/systemd/system/srv-nfs-web.automount': 'unitFile srv-nfs-web.automount',
  }).map((one) => ({ ...one, perhaps: [MOUNT] })),
  ...fileMutations({
    '/etc/systemd/system/farmctl-lvs-real.service': REAL_UNIT,
    '/etc/default/farmctl-lvs-real': REAL_UNIT,
    '/etc/systemd/system/apache2.service.d/farmctl.conf': 'service apache2.service',
  }),
];
