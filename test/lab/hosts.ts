import { rm, writeFile } from 'node:fs/promises';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { bootHosts } from './boot.ts';
import { chosenCables, cutCables, cutNetworks, mendCables, slowNetworks } from './cable.ts';
import { command, eachLimited } from './command.ts';
import { driverOf } from './drivers.ts';
import { isThere } from './files.ts';
import type { LabAddress } from './host.ts';
import type { HostPlace, HostState } from './kind.ts';
import { withLock } from './lock.ts';
import { labPaths, type StatePaths } from './paths.ts';
import { type HostRecord, type LabRecord, requireRecord } from './record.ts';
import { ensureKey } from './ssh-files.ts';
import { labLock, seedOf, writeAccessFiles } from './up.ts';
import { waitUntil } from './wait.ts';

/** What can be done to hosts that are part of a lab. */
export interface HostOperations {
  /** Gives the hosts back the root that they had at first; all hosts where none is named. */
  reset(...names: readonly string[]): Promise<void>;
  /** Pulls the power cord. */
  powerOff(...names: readonly string[]): Promise<void>;
  /** Switches on, with what was on the disk; waits until ssh lets in. Also after a host switched itself off. */
  powerOn(...names: readonly string[]): Promise<void>;
  /** Switches off as their own command would, all written to the disk; waits until they are off. */
  shutDown(...names: readonly string[]): Promise<void>;
  cut(name: string, network?: string): Promise<void>;
  /** Delays what a VM sends into one network, or into all. @throws FarmError lab/no-delay for a container */
  slow(name: string, delayMs: number, network?: string): Promise<void>;
  /** Puts the cable back, and ends the delay. */
  mend(name: string, network?: string): Promise<void>;
  /** Stops every process of the host where it is: connections stay open and nobody answers. */
  freeze(...names: readonly string[]): Promise<void>;
  thaw(...names: readonly string[]): Promise<void>;
}

const AT_ONCE = 8;
/** systemd gives a service that does not end 90 s. */
const SHUTDOWN_TIMEOUT_MS = 120_000;

/** @throws FarmError lab/unknown-host, naming those that there are */
export function pickHosts(record: LabRecord, names: readonly string[]): readonly HostRecord[] {
  return names.map((name) => {
    const host = record.hosts.find((one) => one.name === name);
    if (host !== undefined) return host;
    throw new FarmError(
      problem('lab/unknown-host', 'No such host', `The lab has no host "${name}".`, {
        hint: `It has ${record.hosts.map((one) => one.name).join(', ')}.`,
      }),
    );
  });
}

/** The operations on the hosts of one lab. Each throws FarmError lab/not-up and lab/unknown-host. */
export function hostOperations(state: StatePaths, lab: string): HostOperations {
  const place: HostPlace = { lab, state, paths: labPaths(state, lab) };

  const locked = (names: readonly string[], task: (hosts: readonly HostRecord[], record: LabRecord) => Promise<void>) =>
    withLock(labLock(state, lab), async () => {
      const record = await requireRecord(state, lab);
      await task(pickHosts(record, names), record);
    });

  const each = (names: readonly string[], task: (host: HostRecord) => Promise<void>) =>
    locked(names, (hosts) => eachLimited(hosts, AT_ONCE, task));

  return {
    reset: (...names) =>
      locked(names, async (named, record) => {
        const publicKey = await ensureKey(state);
        const hosts = named.length > 0 ? named : record.hosts;
        await bootHosts(place, hosts, async (host) => {
          const driver = driverOf(host);
          await driver.powerOff(place, host);
          await driver.prepare(place, host, seedOf(record, host, publicKey));
          await driver.start(place, host);
          return true;
        });
        await writeAccessFiles(state, place, record);
      }),
    powerOff: (...names) => each(names, (host) => driverOf(host).powerOff(place, host)),
    powerOn: (...names) =>
      locked(names, async (hosts) => {
        await bootHosts(place, hosts, async (host) => {
          await driverOf(host).start(place, host);
          return true;
        });
      }),
    cut: (name, network) => each([name], (host) => cutCables(place, host, network)),
    slow: (name, delayMs, network) =>
      each([name], async (host) => {
        for (const cable of chosenCables(place, host, network)) {
          await driverOf(host).setDelay(place, host, cable.inner, delayMs);
          await writeFile(cable.slowMarker, `${delayMs}\n`);
        }
      }),
    mend: (name, network) =>
      each([name], async (host) => {
        await mendCables(place, host, network);
        for (const cable of chosenCables(place, host, network)) {
          if (!(await isThere(cable.slowMarker))) continue;
          if ((await driverOf(host).state(place, host)) !== 'off') {
            await driverOf(host).setDelay(place, host, cable.inner, 0);
          }
          await rm(cable.slowMarker);
        }
      }),
    shutDown: (...names) =>
      each(names, async (host) => {
        const driver = driverOf(host);
        if ((await driver.state(place, host)) === 'off') return;
        // Its connection may end before its answer.
        await command(await driver.onHost(place, host, ['systemctl', '--no-block', 'poweroff']));
        await waitUntil(SHUTDOWN_TIMEOUT_MS, `${host.name} does not switch itself off`, async () => {
          return (await driver.state(place, host)) === 'off';
        });
        await driver.powerOff(place, host);
      }),
    freeze: (...names) => each(names, (host) => driverOf(host).setFrozen(place, host, true)),
    thaw: (...names) => each(names, (host) => driverOf(host).setFrozen(place, host, false)),
  };
}

/** How a host is now. */
export interface HostStatus {
  readonly name: string;
  readonly kind: string;
  readonly degree: string;
  readonly addresses: readonly LabAddress[];
  readonly state: HostState;
  /** Networks that it is cut off. */
  readonly cut: readonly string[];
  /** Networks that it sends into with a delay. */
  readonly slow: readonly string[];
}

/** @throws FarmError lab/not-up */
export async function labStatus(state: StatePaths, lab: string): Promise<readonly HostStatus[]> {
  const place: HostPlace = { lab, state, paths: labPaths(state, lab) };
  const { hosts } = await requireRecord(state, lab);
  return Promise.all(
    hosts.map(async (host) => ({
      name: host.name,
      kind: host.kind,
      degree: host.degree,
      addresses: host.addresses,
      state: await driverOf(host).state(place, host),
      cut: await cutNetworks(place, host),
      slow: await slowNetworks(place, host),
    })),
  );
}
