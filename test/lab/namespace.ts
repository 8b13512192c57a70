import { access } from 'node:fs/promises';
import { inNetwork } from './address.ts';
import { command, isErrno, must } from './command.ts';
import type { LabNetwork } from './host.ts';
import { bridgeName, hardwareAddress, namespaceName, routeMetric } from './names.ts';
import { waitUntil } from './wait.ts';

/*
 * Each lab has a network namespace of its own without a way out, so any inventory can be brought up with the addresses
 * that it really has. Outside of it a packet to such an address would leave by the default route: an unreachable route
 * with the worst of metrics holds it back while the lab is up.
 */

function namespacePath(lab: string): string {
  return `/run/netns/${namespaceName(lab)}`;
}

/** Words in front of a command that run it in the lab's network. (`ip netns exec` would mount another /sys.) */
export function inNamespace(lab: string): readonly string[] {
  return ['nsenter', `--net=${namespacePath(lab)}`];
}

/**
 * Words in front of a user's command: it runs in the lab's network, and ssh, or whatever reads ssh's configuration,
 * finds that of the lab among the machine's, in a mount namespace of its own. The command takes over the process.
 */
export function asUserOf(lab: string, sshConfigPath: string): readonly string[] {
  const folder = '/etc/ssh/ssh_config.d';
  const script = `mount -t tmpfs -o mode=755 lab ${folder}; cp "$1" ${folder}/lab.conf; shift; exec "$@"`;
  const mounts = ['unshare', '--mount', '--propagation', 'private'];
  return [...inNamespace(lab), ...mounts, 'sh', '-ec', script, 'sh', sshConfigPath];
}

export async function hasNamespace(lab: string): Promise<boolean> {
  try {
    await access(namespacePath(lab));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

interface Link {
  readonly ifname: string;
  readonly operstate: string;
  readonly flags: readonly string[];
}

/** @returns the network devices of the lab's namespace */
export async function links(lab: string): Promise<readonly Link[]> {
  return JSON.parse(await must(['ip', '-n', namespaceName(lab), '-json', 'link', 'show'])) as readonly Link[];
}

/** Runs `ip` in the lab's namespace. */
export async function ip(lab: string, ...words: readonly string[]): Promise<void> {
  await must(['ip', '-n', namespaceName(lab), ...words]);
}

/** Makes the namespace, the bridges that are missing in it, and the routes outside. */
export async function ensureNamespace(
  lab: string,
  networks: readonly LabNetwork[],
  say: (line: string) => void,
): Promise<void> {
  if (!(await hasNamespace(lab))) {
    await must(['ip', 'netns', 'add', namespaceName(lab)]);
    await ip(lab, 'link', 'set', 'lo', 'up');
  }
  const present = new Set((await links(lab)).map((one) => one.ifname));
  for (const network of networks) {
    const bridge = bridgeName(network.name);
    if (!present.has(bridge))
      await ip(lab, 'link', 'add', bridge, 'address', hardwareAddress(lab, bridge), 'type', 'bridge');
    await ip(lab, 'address', 'replace', `${network.address}/${network.prefix}`, 'brd', '+', 'dev', bridge);
    await ip(lab, 'link', 'set', bridge, 'up');
  }
  for (const stale of present) {
    if (stale.startsWith('flb-') && !networks.some((one) => bridgeName(one.name) === stale)) {
      await ip(lab, 'link', 'delete', stale);
    }
  }
  await ensureRoutes(lab, networks, say);
}

interface Route {
  readonly type?: string;
  readonly dst: string;
  readonly metric?: number;
}

async function routes(...words: readonly string[]): Promise<readonly Route[]> {
  const printed = await must(['ip', '-4', '-json', 'route', 'show', ...words]);
  return printed.trim() === '' ? [] : (JSON.parse(printed) as readonly Route[]);
}

async function ensureRoutes(lab: string, networks: readonly LabNetwork[], say: (line: string) => void): Promise<void> {
  const metric = routeMetric(lab);
  const own = (await routes()).filter((one) => one.type === undefined && one.dst !== 'default');
  const held = new Set(
    (await routes('type', 'unreachable')).filter((one) => one.metric === metric).map((one) => one.dst),
  );
  for (const network of networks) {
    if (held.has(network.cidr)) continue;
    // A narrower route would take addresses away from this machine's own network.
    const wider = own.find((one) => one.dst !== network.cidr && inNetwork(network.cidr, one.dst));
    if (wider !== undefined) {
      say(`${network.cidr} lies in this machine's own ${wider.dst}: it is not closed outside the lab.`);
      continue;
    }
    await must(['ip', 'route', 'add', 'unreachable', network.cidr, 'metric', String(metric)]);
  }
}

/** Ends what still runs in the lab's network and removes the namespace and the routes outside. */
export async function removeNamespace(lab: string): Promise<void> {
  if (await hasNamespace(lab)) {
    const pids = async () => (await must(['ip', 'netns', 'pids', namespaceName(lab)])).split('\n').filter(Boolean);
    await waitUntil(10_000, `processes in the network of lab ${lab} survive SIGKILL`, async () => {
      const left = await pids();
      // Nothing but the lab's hosts, its relay and what was run in it can be in this namespace.
      for (const pid of left) await command(['kill', '-KILL', pid]);
      return left.length === 0;
    });
    await must(['ip', 'netns', 'delete', namespaceName(lab)]);
  }
  const metric = routeMetric(lab);
  for (const route of await routes('type', 'unreachable')) {
    if (route.metric === metric) {
      await must(['ip', 'route', 'delete', 'unreachable', route.dst, 'metric', String(metric)]);
    }
  }
}
