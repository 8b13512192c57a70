import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { joinScripts, sh } from '../../src/remote/sh.ts';
import { cablesOf, removeCables } from './cable.ts';
import * as groups from './cgroup.ts';
import { isErrno } from './command.ts';
import { startDaemon } from './daemon.ts';
import { isThere } from './files.ts';
import { ensureImage } from './image.ts';
import { type HostDriver, type HostPlace, hostOff } from './kind.ts';
import { hardwareAddress, machineName, namespaceName } from './names.ts';
import { inNamespace } from './namespace.ts';
import { hostPaths } from './paths.ts';
import type { HostRecord } from './record.ts';
import { writeNetworkSeed, writeSeed } from './seed.ts';

/*
 * A host as a systemd-nspawn container. Its root is an overlay over the image's layers, mounted in a mount namespace of
 * its own processes, so that the mount is gone with them, after a crash too.
 */

function groupOf(place: HostPlace, host: HostRecord): Promise<groups.Cgroup> {
  return groups.cgroup(`lab-${place.lab}`, `host-${host.name}`);
}

/** What runs the container until it is switched off: started in the lab's network, with a mount namespace of its own. */
function startScript(place: HostPlace, host: HostRecord): string {
  const paths = hostPaths(place.paths, host.name);
  const lower = [...host.layers].reverse().join(':');
  const options = `lowerdir=${lower},upperdir=${paths.upper},workdir=${paths.work}`;
  const cables = cablesOf(place, host);
  const extra = cables.map((one, index) => `--network-veth-extra=${one.device}:${host.addresses[index]?.device ?? ''}`);
  const namespace = namespaceName(place.lab);
  const unplug = cables.map((one) => sh`ip -n ${namespace} link delete ${one.device} 2>/dev/null`);
  const plug = cables.map((one) => sh`plug ${one.device} ${one.bridge} ${one.cutMarker} &`);
  return `#!/bin/sh
# systemd-nspawn makes the cables when it starts; each goes to its bridge as soon as it is there.
plug() {
  tries=0
  until ip -n ${namespace} link set "$1" master "$2" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || exit 1
    sleep 0.05
  done
  [ -e "$3" ] || ip -n ${namespace} link set "$1" up
}
${sh`mount -t overlay overlay -o ${options} ${paths.mount}`} || exit 1
# Its locks and sockets: nothing of them is left on the machine.
mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=755 lab /run/systemd/nspawn || exit 1
while :; do
${joinScripts(unplug)}
${joinScripts(plug)}
${sh`systemd-nspawn --quiet --boot --directory=${paths.mount} --machine=${machineName(place.lab, host.name)} --hostname=${host.name} --register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no --console=pipe ${extra}`}
  # 133: it was rebooted from inside.
  [ $? -eq 133 ] || exit 0
done
`;
}

/** As a VM it would have the same: the neighbours' tables stay right when a host becomes one. */
function hardwareSteps(place: HostPlace, host: HostRecord): readonly string[] {
  return cablesOf(place, host).map((cable) => {
    return `link set ${cable.inner} address ${hardwareAddress(place.lab, cable.device)}`;
  });
}

/** @returns the container's process 1 as this machine numbers it; undefined while it has none */
async function initOf(place: HostPlace, host: HostRecord): Promise<number | undefined> {
  const group = await groupOf(place, host);
  for (const pid of await groups.processesOf(join(group.path, 'payload'))) {
    let status: string;
    try {
      status = await readFile(`/proc/${pid}/status`, 'utf8');
    } catch (error) {
      // It ended meanwhile.
      if (isErrno(error, 'ENOENT', 'ESRCH')) continue;
      throw error;
    }
    if (/^NSpid:\s.*\s1$/m.test(status)) return pid;
  }
  return undefined;
}

/** Containers, for every host that needs no kernel of its own. */
export const container: HostDriver = {
  ensureLayers: ensureImage,

  async prepare(place, host, seed) {
    const paths = hostPaths(place.paths, host.name);
    await rm(paths.root, { recursive: true, force: true });
    for (const folder of [paths.upper, paths.work, paths.mount]) await mkdir(folder, { recursive: true });
    await chmod(paths.upper, 0o755);
    await writeSeed(paths.upper, host, seed, hardwareSteps(place, host));
  },

  async start(place, host) {
    const paths = hostPaths(place.paths, host.name);
    const group = await groupOf(place, host);
    if (await groups.isPopulated(group)) return;
    await groups.removeCgroup(group);
    await groups.makeCgroup(group);
    await writeNetworkSeed(paths.upper, host, hardwareSteps(place, host));
    await writeFile(paths.start, startScript(place, host));
    await chmod(paths.start, 0o700);
    const own = ['unshare', '--mount', '--propagation', 'private'];
    await startDaemon([...groups.inside(group), ...inNamespace(place.lab), ...own, paths.start], paths.log);
  },

  async powerOff(place, host) {
    await groups.removeCgroup(await groupOf(place, host));
    await removeCables(place, host);
  },

  async setFrozen(place, host, frozen) {
    await groups.setFrozen(await groupOf(place, host), frozen);
  },

  async state(place, host) {
    const group = await groupOf(place, host);
    if (!(await groups.isPopulated(group))) return 'off';
    return (await groups.isFrozen(group)) ? 'frozen' : 'running';
  },

  async hostKey(place, host) {
    const path = join(hostPaths(place.paths, host.name).upper, 'etc/ssh/ssh_host_ed25519_key.pub');
    try {
      return /^ssh-ed25519 \S+/.exec(await readFile(path, 'utf8'))?.[0];
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  },

  async letsIn(place, host) {
    const init = await initOf(place, host);
    return init !== undefined && !(await isThere(`/proc/${init}/root/run/nologin`));
  },

  async setDelay(_place, host) {
    const detail = `Host ${host.name} is a container, and this machine's kernel cannot delay what it sends.`;
    throw new FarmError(
      problem('lab/no-delay', 'A network that cannot be slow', detail, { hint: `Make it a VM: up --vm ${host.name}` }),
    );
  },

  async bootFailure() {
    return undefined;
  },

  async onHost(place, host, argv) {
    const init = await initOf(place, host);
    if (init !== undefined) {
      const enter = [
        'nsenter',
        `--target=${init}`,
        '--mount',
        '--uts',
        '--ipc',
        '--net',
        '--pid',
        '--root',
        '--wdns=/',
      ];
      return [
        ...enter,
        'env',
        '-i',
        'HOME=/root',
        'LC_ALL=C',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
        ...argv,
      ];
    }
    throw hostOff(place, host);
  },
};
