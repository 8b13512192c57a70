import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { isThere } from './files.ts';
import type { LabHost } from './host.ts';
import type { HostPlace } from './kind.ts';
import { bridgeName, cableName } from './names.ts';
import { ip, links } from './namespace.ts';
import { hostPaths } from './paths.ts';

/** One cable of a host: the end that lies outside of it is on the bridge of its network. */
export interface Cable {
  readonly device: string;
  /** What the host calls its own end. */
  readonly inner: string;
  readonly bridge: string;
  readonly network: string;
  /** There while the cable is cut, so that it is so after a reboot of the host too. */
  readonly cutMarker: string;
  /** There while the host delays what it sends into it; a boot ends that. */
  readonly slowMarker: string;
}

export function cablesOf(place: HostPlace, host: LabHost): readonly Cable[] {
  const { root } = hostPaths(place.paths, host.name);
  return host.addresses.map((one, index) => ({
    device: cableName(host.name, index),
    inner: one.device,
    bridge: bridgeName(one.network),
    network: one.network,
    cutMarker: join(root, `cut-${index}`),
    slowMarker: join(root, `slow-${index}`),
  }));
}

/** @returns the host's cables, or that of the network. @throws FarmError lab/network where it has none there */
export function chosenCables(place: HostPlace, host: LabHost, network: string | undefined): readonly Cable[] {
  const cables = cablesOf(place, host).filter((one) => network === undefined || one.network === network);
  if (cables.length > 0) return cables;
  const has = host.addresses.map((one) => one.network).join(', ');
  throw new FarmError(
    problem('lab/network', 'No such network', `Host ${host.name} is not in a network "${network}".`, {
      hint: `It is in ${has}.`,
    }),
  );
}

/** Cuts a host off one network, or off all. A container's device loses the carrier; a VM's does not know of it. */
export async function cutCables(place: HostPlace, host: LabHost, network?: string): Promise<void> {
  for (const cable of chosenCables(place, host, network)) {
    await writeFile(cable.cutMarker, '');
    if (await isPlugged(place, cable)) await ip(place.lab, 'link', 'set', cable.device, 'down');
  }
}

/** Puts cut cables back. */
export async function mendCables(place: HostPlace, host: LabHost, network?: string): Promise<void> {
  for (const cable of chosenCables(place, host, network)) {
    await rm(cable.cutMarker, { force: true });
    if (await isPlugged(place, cable)) await ip(place.lab, 'link', 'set', cable.device, 'up');
  }
}

/** Removes the cables of a host that is off: the kernel takes its time to remove those of a killed one. */
export async function removeCables(place: HostPlace, host: LabHost): Promise<void> {
  for (const cable of cablesOf(place, host)) {
    if (await isPlugged(place, cable)) await removeCable(place, cable);
  }
}

async function removeCable(place: HostPlace, cable: Cable): Promise<void> {
  try {
    await ip(place.lab, 'link', 'delete', cable.device);
  } catch (error) {
    // The kernel was faster.
    if (await isPlugged(place, cable)) throw error;
  }
}

async function isPlugged(place: HostPlace, cable: Cable): Promise<boolean> {
  return (await links(place.lab)).some((one) => one.ifname === cable.device);
}

/** @returns the networks that a running host is cut off */
export async function cutNetworks(place: HostPlace, host: LabHost): Promise<readonly string[]> {
  const present = await links(place.lab);
  return cablesOf(place, host)
    .filter((cable) => present.some((one) => one.ifname === cable.device && !one.flags.includes('UP')))
    .map((cable) => cable.network);
}

/** @returns the networks into which a host sends with a delay */
export async function slowNetworks(place: HostPlace, host: LabHost): Promise<readonly string[]> {
  const slow: string[] = [];
  for (const cable of cablesOf(place, host)) if (await isThere(cable.slowMarker)) slow.push(cable.network);
  return slow;
}
