import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { bootHosts } from './boot.ts';
import { driverOf } from './drivers.ts';
import { isThere } from './files.ts';
import { type Degree, firstAddress, type LabHost, type LabLayout } from './host.ts';
import type { HostPlace, Seed } from './kind.ts';
import { raiseLimits } from './limits.ts';
import { withLock } from './lock.ts';
import { namespaceName } from './names.ts';
import { ensureNamespace, hasNamespace } from './namespace.ts';
import { hostPaths, labPaths, type StatePaths } from './paths.ts';
import { type HostRecord, type LabRecord, readRecord, writeRecord } from './record.ts';
import { ensureRelay, ensureRelayInside, RELAY_PORT } from './relay.ts';
import { ensureKey, writeKnownHosts, writeSshConfig } from './ssh-files.ts';

export interface UpOptions {
  readonly lab: string;
  /** Where the layout came from. */
  readonly inventory: string;
  readonly layout: LabLayout;
  /** What new hosts are made of. Where given, hosts that were made of another are made anew; else they stay. */
  readonly degree?: Degree;
  readonly say: (line: string) => void;
}

/** The lock that a command holds while it changes a lab. */
export function labLock(state: StatePaths, lab: string): string {
  return join(state.root, `lab-${lab}.lock`);
}

/** Makes the lab what its inventory says. Hosts that are up stay as they are; those that the inventory lost go. */
export async function up(state: StatePaths, options: UpOptions): Promise<void> {
  const place: HostPlace = { lab: options.lab, state, paths: labPaths(state, options.lab) };
  await withLock(labLock(state, options.lab), async () => {
    const before = await readRecord(state, options.lab);
    if (before === undefined && (await hasNamespace(options.lab))) throw foreign(options.lab);
    // From now on `down` knows that there is a lab, and the relay stays for it.
    await mkdir(place.paths.hosts, { recursive: true });
    const publicKey = await ensureKey(state);
    const record = await plannedRecord(state, options, before);
    await writeRecord(state, options.lab, record);
    await raiseLimits(options.say);
    await ensureNamespace(options.lab, record.networks, options.say);
    await ensureRelay(state);
    await ensureRelayInside(state, options.lab);
    for (const host of before?.hosts ?? []) {
      if (record.hosts.some((one) => one.name === host.name)) continue;
      options.say(`${host.name}: not in the inventory any more, removed`);
      await driverOf(host).powerOff(place, host);
      await rm(hostPaths(place.paths, host.name).root, { recursive: true, force: true });
    }
    await startHosts(place, record, before, publicKey, options.say);
    await writeAccessFiles(state, place, record);
  });
}

function foreign(lab: string): FarmError {
  const detail = `There is a network namespace ${namespaceName(lab)}, and this state folder knows nothing of it.`;
  return new FarmError(
    problem('lab/foreign', 'Somebody else’s lab', detail, {
      hint: `Choose another --name, or remove it: npm run lab -- down --name ${lab}`,
    }),
  );
}

/** The images of all hosts made, the layers of each looked up. */
async function plannedRecord(state: StatePaths, options: UpOptions, before: LabRecord | undefined): Promise<LabRecord> {
  const hosts: HostRecord[] = [];
  for (const host of options.layout.hosts) {
    const old = before?.hosts.find((one) => one.name === host.name);
    const keeps =
      old !== undefined &&
      old.os === host.os &&
      old.kind === host.kind &&
      (options.degree ?? old.degree) === old.degree;
    if (keeps && (await isThere(old.layers.at(-1) ?? ''))) {
      hosts.push({ ...host, degree: old.degree, layers: old.layers });
      continue;
    }
    const degree = options.degree ?? old?.degree ?? 'blank';
    const layers = await driverOf(host).ensureLayers(state, host.os, degree, options.say);
    hosts.push({ ...host, degree, layers });
  }
  return { inventory: options.inventory, networks: options.layout.networks, hosts };
}

async function startHosts(
  place: HostPlace,
  record: LabRecord,
  before: LabRecord | undefined,
  publicKey: string,
  say: (line: string) => void,
): Promise<void> {
  await bootHosts(place, record.hosts, async (host) => {
    const driver = driverOf(host);
    const old = before?.hosts.find((one) => one.name === host.name);
    const isNew = !(await isThere(hostPaths(place.paths, host.name).start));
    if (isNew || !isDeepStrictEqual(old?.layers, host.layers)) {
      const what = host.kind === 'vm' ? `${host.degree} VM` : host.degree;
      say(`${host.name}: ${isNew ? 'new' : 'made anew'}, ${what}`);
      await driver.powerOff(place, host);
      await driver.prepare(place, host, seedOf(record, host, publicKey));
    } else if (!isDeepStrictEqual(old?.addresses, host.addresses) || old?.sshPort !== host.sshPort) {
      say(`${host.name}: other addresses, switched off and on`);
      await driver.powerOff(place, host);
    } else if ((await driver.state(place, host)) !== 'off') {
      return false;
    } else {
      say(`${host.name}: was off, switched on`);
    }
    await driver.start(place, host);
    return true;
  });
}

/** What a host is given that is made from nothing. */
export function seedOf(record: LabRecord, host: LabHost, publicKey: string): Seed {
  const { network } = firstAddress(host);
  const bridge = record.networks.find((one) => one.name === network);
  if (bridge === undefined) throw new Error(`the layout has no network ${network}: layoutOf must add it`);
  return { publicKey, proxy: `http://${bridge.address}:${RELAY_PORT}` };
}

/** Writes known_hosts and ssh_config from what the hosts' disks hold. */
export async function writeAccessFiles(state: StatePaths, place: HostPlace, record: LabRecord): Promise<void> {
  const keys: Array<{ host: HostRecord; key: string }> = [];
  for (const host of record.hosts) {
    const key = await driverOf(host).hostKey(place, host);
    if (key !== undefined) keys.push({ host, key });
  }
  await writeKnownHosts(place.paths, keys);
  await writeSshConfig(state, place.paths, record.hosts);
}
