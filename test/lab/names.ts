import { sha256 } from '../../src/lib/digest.ts';
import type { LabHost } from './host.ts';

/** The kernel takes 15 characters for the name of a network device. */
const DEVICE_NAME_MAX = 15;

/** The device's readable name, or where that is too long one made from its digest, `prefix` and `suffix` kept. */
function deviceName(prefix: string, middle: string, suffix: string): string {
  const readable = `${prefix}${middle}${suffix}`;
  if (readable.length <= DEVICE_NAME_MAX && /^[A-Za-z0-9_-]+$/.test(readable)) return readable;
  return `${prefix}${sha256(middle).slice(0, DEVICE_NAME_MAX - prefix.length - suffix.length)}${suffix}`;
}

/** @returns the bridge of a network, inside the lab's network namespace. */
export function bridgeName(network: string): string {
  return deviceName('flb-', network, '');
}

/** @returns the outer end of the cable of a host's `index`-th network, inside the lab's network namespace. */
export function cableName(host: string, index: number): string {
  return deviceName('fl-', host, `-${index}`);
}

/** @returns the end of the cable between a VM and the lab itself. */
export function labCableName(host: string): string {
  return deviceName('fl-', host, '-lab');
}

/**
 * @returns the hardware address of a bridge or of a host's end of a cable. Left to itself a bridge takes the lowest one of its ports, which come and go, and
 * the hosts' neighbour tables would be wrong for seconds.
 */
export function hardwareAddress(lab: string, bridge: string): string {
  const bytes = sha256(`${lab} ${bridge}`).slice(0, 10).match(/../g) ?? [];
  // 02: locally administered, one device.
  return ['02', ...bytes].join(':');
}

/** @returns the network namespace of the lab of that name. */
export function namespaceName(lab: string): string {
  return `farmctl-${lab}`;
}

/** @returns the name by which systemd-nspawn knows the host; also the seed of its MAC addresses. */
export function machineName(lab: string, host: string): string {
  return `farmctl-${lab}-${host}`.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 64);
}

/** The lowest of the metrics that the labs use: behind every route that somebody else may have made. */
const METRIC_BASE = 4_278_198_272;

/** @returns the metric that marks the routes of the lab of that name, so that two labs can hold the same network. */
export function routeMetric(lab: string): number {
  return METRIC_BASE + (Number.parseInt(sha256(lab).slice(0, 8), 16) % 65_536);
}

/** @returns every name and address of the host, the one it is called by first. */
export function knownNames(host: LabHost): readonly string[] {
  return [...new Set([host.name, ...host.aliases, ...host.addresses.map((one) => one.address)])];
}

/** @returns what stands in known_hosts for a name at a port. */
export function knownHostsName(name: string, port: number): string {
  return port === 22 ? name : `[${name}]:${port}`;
}
