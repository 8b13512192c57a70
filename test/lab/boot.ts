import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { cutNetworks } from './cable.ts';
import { type CommandResult, eachLimited, startCommand } from './command.ts';
import { usableCores } from './cores.ts';
import { driverOf } from './drivers.ts';
import { isThere } from './files.ts';
import type { HostPlace } from './kind.ts';
import { inNamespace } from './namespace.ts';
import { hostPaths, PROJECT_PATH } from './paths.ts';
import type { HostRecord } from './record.ts';
import { waitUntil } from './wait.ts';

/** Containers that boot at a time; more do not end sooner on few cores. */
const CONTAINERS_AT_ONCE = 8;
/** VMs that boot at a time on one core. */
const VMS_PER_CORE = 2;
const BOOT_TIMEOUT_MS = 90_000;
/** How often the consoles are looked at meanwhile. */
const LOOK_MS = 500;

/**
 * Switches hosts on, as many at a time as the machine bears, and waits until they let users in.
 * @param switchOn tells whether it did; false: that host is not waited for
 * @throws FarmError lab/no-boot, when all others have finished
 */
export async function bootHosts(
  place: HostPlace,
  hosts: readonly HostRecord[],
  switchOn: (host: HostRecord) => Promise<boolean>,
): Promise<void> {
  const containers = hosts.filter((host) => host.kind === 'container');
  const machines = hosts.filter((host) => host.kind === 'vm');
  const vmsAtOnce = (await usableCores()).length * VMS_PER_CORE;
  const bootContainers = async () => {
    const started: HostRecord[] = [];
    await eachLimited(containers, CONTAINERS_AT_ONCE, async (host) => {
      if (await switchOn(host)) started.push(host);
    });
    await awaitHosts(place, started);
  };
  // A VM's boot takes a core for seconds: the next begins when one has ended.
  const bootMachines = () =>
    eachLimited(machines, vmsAtOnce, async (host) => {
      if (await switchOn(host)) await awaitHosts(place, [host]);
    });
  await eachLimited([bootContainers, bootMachines], 2, (task) => task());
}

/** Waits until all let users in over ssh, on each network that they are not cut off. @throws FarmError lab/no-boot */
async function awaitHosts(place: HostPlace, hosts: readonly HostRecord[]): Promise<void> {
  const targets = new Map<string, HostRecord>();
  for (const host of hosts) {
    const cut = await cutNetworks(place, host);
    for (const one of host.addresses) {
      if (!cut.includes(one.network)) targets.set(`${one.address}:${host.sshPort}`, host);
    }
  }
  if (targets.size > 0) {
    const answer = await answered(place, hosts, [...targets.keys()]);
    if (answer.exitCode !== 0) {
      const silent = answer.stdout.split('\n').filter(Boolean);
      const detail = `No ssh server answered within ${BOOT_TIMEOUT_MS / 1000} s at ${silent.join(', ')}.`;
      throw await noBoot(place, detail, targets.get(silent[0] ?? ''), answer.stderr);
    }
  }
  await eachLimited(hosts, CONTAINERS_AT_ONCE, async (host) => {
    await waitUntil(BOOT_TIMEOUT_MS, `${host.name} lets nobody in`, () => driverOf(host).letsIn(place, host));
  });
}

/** Asks the addresses until all have answered; a host whose console says that it will not boot ends that. */
async function answered(
  place: HostPlace,
  hosts: readonly HostRecord[],
  targets: readonly string[],
): Promise<CommandResult> {
  const argv = [process.execPath, join(PROJECT_PATH, 'test/lab/answering.ts'), String(BOOT_TIMEOUT_MS), ...targets];
  const asking = startCommand([...inNamespace(place.lab), ...argv], { timeoutMs: BOOT_TIMEOUT_MS + 10_000 });
  for (;;) {
    const answer = await Promise.race([asking.result, new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS))]);
    if (answer !== undefined) return answer;
    for (const host of hosts) {
      const failure = await driverOf(host).bootFailure(place, host);
      if (failure === undefined) continue;
      asking.kill('SIGKILL');
      await asking.result;
      throw await noBoot(place, `${host.name} does not boot: ${failure}.`, host, '');
    }
  }
}

async function noBoot(
  place: HostPlace,
  detail: string,
  host: HostRecord | undefined,
  printed: string,
): Promise<FarmError> {
  const log = host === undefined ? undefined : hostPaths(place.paths, host.name).log;
  const tail =
    log === undefined || !(await isThere(log)) ? '' : (await readFile(log, 'utf8')).split('\n').slice(-20).join('\n');
  return new FarmError(
    problem('lab/no-boot', 'A host did not boot', detail, {
      ...(log === undefined ? {} : { hint: `Read ${log}` }),
      output: `${printed}${tail}`,
    }),
  );
}
