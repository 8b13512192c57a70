import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { sh } from '../../src/remote/sh.ts';
import { cablesOf, removeCables } from './cable.ts';
import * as groups from './cgroup.ts';
import { command, isErrno, must } from './command.ts';
import { takeCore } from './cores.ts';
import { startDaemon } from './daemon.ts';
import { isThere } from './files.ts';
import { type HostDriver, type HostPlace, hostOff } from './kind.ts';
import { hardwareAddress, labCableName } from './names.ts';
import { inNamespace, ip, links } from './namespace.ts';
import { hostPaths } from './paths.ts';
import type { HostRecord } from './record.ts';
import { writeNetworkSeed, writeSeed } from './seed.ts';
import { deviceSteps, LAB_ADDRESS, VM_ADDRESS, vmDevices } from './vm-devices.ts';
import { ensureDisk, INIT } from './vm-disk.ts';

/*
 * A host as a process of User Mode Linux: a kernel of its own, a disk that it writes beside its image, taps on the lab's
 * bridges. One more tap leads to the lab itself, for what has to reach a host that is cut off.
 */

const MEMORY_MB = 256;
/** What a VM must leave to the machine. */
const RESERVE_MB = 512;
const HOST_KEY = 'etc/ssh/ssh_host_ed25519_key';

function groupOf(place: HostPlace, host: HostRecord): Promise<groups.Cgroup> {
  return groups.cgroup(`lab-${place.lab}`, `host-${host.name}`);
}

/** Its memory is a file, in a mount of its own that is gone with its last process. */
function startScript(place: HostPlace, host: HostRecord, core: number): string {
  const paths = hostPaths(place.paths, host.name);
  const taps = [...cablesOf(place, host).map((one) => one.device), labCableName(host.name)];
  const devices = vmDevices(host).map((one, index) => {
    const tap = taps[index] ?? '';
    // A fixed address: the neighbours' tables stay right over a boot.
    return `${one.kernelName}=tuntap,${tap},${hardwareAddress(place.lab, tap)}`;
  });
  const words = [
    `mem=${MEMORY_MB}M`,
    'umid=vm',
    'uml_dir=/dev/shm/uml',
    `ubd0=${paths.disk},${host.layers[0] ?? ''}`,
    `ubd1r=${join(paths.root, 'seed.tar')}`,
    'root=/dev/ubda',
    'rw',
    `init=${INIT}`,
    ...devices,
    'con=null',
    'con0=null,fd:1',
    'net.ifnames=0',
    'quiet',
    'loglevel=3',
  ];
  return `#!/bin/sh
mount -t tmpfs -o mode=700 lab /dev/shm || exit 1
export TMPDIR=/dev/shm
${sh`exec taskset -c ${core} linux.uml ${words}`.text}
`;
}

/** The words that run a command on the host over the lab's own link, whatever its networks do. */
function overLabLink(place: HostPlace, host: HostRecord, argv: readonly string[]): readonly string[] {
  const options = [
    `IdentityFile=${place.state.key}`,
    'IdentitiesOnly=yes',
    // The other end of this link can be nobody else.
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'GlobalKnownHostsFile=/dev/null',
    'KexAlgorithms=curve25519-sha256',
    'ConnectTimeout=20',
    'LogLevel=ERROR',
    'BatchMode=yes',
    `Port=${host.sshPort}`,
  ].flatMap((one) => ['-o', one]);
  const clean = ['env', '-i', 'HOME=/root', 'LC_ALL=C', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'];
  const remote = sh`exec ${[...clean, ...argv]}`.text;
  const target = `root@${VM_ADDRESS}%${labCableName(host.name)}`;
  return [...inNamespace(place.lab), 'ssh', '-F', '/dev/null', '-T', ...options, target, remote];
}

async function plug(place: HostPlace, host: HostRecord): Promise<void> {
  await unplug(place, host);
  for (const cable of cablesOf(place, host)) {
    await ip(place.lab, 'tuntap', 'add', 'dev', cable.device, 'mode', 'tap');
    await ip(place.lab, 'link', 'set', cable.device, 'master', cable.bridge);
    if (!(await isThere(cable.cutMarker))) await ip(place.lab, 'link', 'set', cable.device, 'up');
  }
  const own = labCableName(host.name);
  await ip(place.lab, 'tuntap', 'add', 'dev', own, 'mode', 'tap');
  await ip(place.lab, 'link', 'set', own, 'addrgenmode', 'none', 'up');
  await ip(place.lab, 'address', 'add', `${LAB_ADDRESS}/64`, 'dev', own, 'nodad');
}

async function unplug(place: HostPlace, host: HostRecord): Promise<void> {
  await removeCables(place, host);
  const own = labCableName(host.name);
  if ((await links(place.lab)).some((one) => one.ifname === own)) await ip(place.lab, 'link', 'delete', own);
}

/** @throws FarmError lab/memory where one more VM could bring the machine down */
async function checkMemory(host: HostRecord): Promise<void> {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) / 1024;
  if (available >= MEMORY_MB + RESERVE_MB) return;
  const detail = `VM ${host.name} may take ${MEMORY_MB} MB, and this machine has ${Math.round(available)} MB left.`;
  throw new FarmError(
    problem('lab/memory', 'Not enough memory', detail, { hint: 'Take other labs down: npm run lab -- down --all' }),
  );
}

/** Hosts with a kernel of their own. */
export const vm: HostDriver = {
  ensureLayers: ensureDisk,

  async prepare(place, host, seed) {
    const paths = hostPaths(place.paths, host.name);
    await rm(paths.root, { recursive: true, force: true });
    await mkdir(paths.seed, { recursive: true });
    await writeSeed(paths.seed, host, seed, deviceSteps(host));
    await mkdir(join(paths.seed, 'etc/ssh'), { recursive: true });
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(paths.seed, HOST_KEY)]);
  },

  async start(place, host) {
    const paths = hostPaths(place.paths, host.name);
    const group = await groupOf(place, host);
    if (await groups.isPopulated(group)) return;
    await checkMemory(host);
    await groups.removeCgroup(group);
    await groups.makeCgroup(group);
    for (const cable of cablesOf(place, host)) await rm(cable.slowMarker, { force: true });
    await writeNetworkSeed(paths.seed, host, deviceSteps(host));
    const archive = join(paths.root, 'seed.tar');
    await must(['tar', '-C', paths.seed, '--numeric-owner', '-cf', archive, '.']);
    await plug(place, host);
    await writeFile(paths.start, startScript(place, host, await takeCore(place.state, paths.core)));
    await chmod(paths.start, 0o700);
    // Only what this boot prints tells how it goes.
    await rm(paths.log, { force: true });
    const own = ['unshare', '--mount', '--propagation', 'private'];
    await startDaemon([...groups.inside(group), ...inNamespace(place.lab), ...own, paths.start], paths.log);
  },

  async powerOff(place, host) {
    await groups.removeCgroup(await groupOf(place, host));
    await unplug(place, host);
    await rm(hostPaths(place.paths, host.name).core, { force: true });
  },

  async setFrozen(place, host, frozen) {
    await groups.setFrozen(await groupOf(place, host), frozen);
  },

  async state(place, host) {
    const group = await groupOf(place, host);
    if (!(await groups.isPopulated(group))) return 'off';
    return (await groups.isFrozen(group)) ? 'frozen' : 'running';
  },

  async setDelay(place, host, device, delayMs) {
    const script =
      delayMs > 0
        ? sh`modprobe sch_netem && tc qdisc replace dev ${device} root netem delay ${delayMs}ms`
        : sh`tc qdisc delete dev ${device} root`;
    await must(await vm.onHost(place, host, ['sh', '-c', script.text]));
  },

  async hostKey(place, host) {
    const path = join(hostPaths(place.paths, host.name).seed, `${HOST_KEY}.pub`);
    try {
      return /^ssh-ed25519 \S+/.exec(await readFile(path, 'utf8'))?.[0];
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  },

  async letsIn(place, host) {
    const asked = await command(overLabLink(place, host, ['test', '!', '-e', '/run/nologin']), { timeoutMs: 30_000 });
    return asked.exitCode === 0;
  },

  async bootFailure(place, host) {
    const { log } = hostPaths(place.paths, host.name);
    if (!(await isThere(log))) return undefined;
    return /Kernel panic.*/.exec(await readFile(log, 'latin1'))?.[0];
  },

  async onHost(place, host, argv) {
    if (!(await groups.isPopulated(await groupOf(place, host)))) throw hostOff(place, host);
    return overLabLink(place, host, argv);
  },
};
