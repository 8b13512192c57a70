import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from './command.ts';
import type { LabHost } from './host.ts';
import type { Seed } from './kind.ts';

/** User and group number. */
type Owner = readonly [number, number];

const ROOT: Owner = [0, 0];
/** The image's user `operator`; every Debian has a group of that name. */
const OPERATOR: Owner = [1000, 37];

/** A file that the lab puts on a host's disk before it boots. */
interface SeedFile {
  /** Relative to the root. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: Owner;
}

/** Folders that are not root's with mode 0755. An overlay shows a folder as its upper layer has it. */
const FOLDERS: Readonly<Record<string, { readonly mode: number; readonly owner: Owner }>> = {
  root: { mode: 0o700, owner: ROOT },
  'root/.ssh': { mode: 0o700, owner: ROOT },
  'home/operator': { mode: 0o700, owner: OPERATOR },
  'home/operator/.ssh': { mode: 0o700, owner: OPERATOR },
};

function seedFile(path: string, content: string, mode = 0o644, owner = ROOT): SeedFile {
  return { path, content, mode, owner };
}

function networkFile(host: LabHost, first: readonly string[]): SeedFile {
  const lines = host.addresses.flatMap((one) => [
    `address add ${one.address}/${one.prefix} brd + dev ${one.device}`,
    `link set ${one.device} up`,
  ]);
  return seedFile('etc/lab-network', `${['link set lo up', ...first, ...lines].join('\n')}\n`);
}

/**
 * Writes all that a new host has beside its image.
 * @param first what `ip` does before it sets the host's addresses
 */
export async function writeSeed(root: string, host: LabHost, seed: Seed, first: readonly string[] = []): Promise<void> {
  const names = [...host.aliases, host.name].join(' ');
  const files = [
    seedFile('etc/hostname', `${host.name}\n`),
    seedFile('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${names}\n`),
    seedFile('etc/apt/apt.conf.d/95lab-proxy', `Acquire::http::Proxy "${seed.proxy}";\n`),
    seedFile('root/.ssh/authorized_keys', `${seed.publicKey}\n`, 0o600),
    seedFile('home/operator/.ssh/authorized_keys', `${seed.publicKey}\n`, 0o600, OPERATOR),
    networkFile(host, first),
  ];
  if (host.sshPort !== 22) files.push(seedFile('etc/ssh/sshd_config.d/lab-port.conf', `Port ${host.sshPort}\n`));
  for (const file of files) await writeSeedFile(root, file);
}

/** Writes the part of the seed that follows the inventory at every start. */
export async function writeNetworkSeed(root: string, host: LabHost, first: readonly string[] = []): Promise<void> {
  await writeSeedFile(root, networkFile(host, first));
}

async function writeSeedFile(root: string, file: SeedFile): Promise<void> {
  const steps = dirname(file.path).split('/');
  for (const index of steps.keys()) await makeFolder(root, steps.slice(0, index + 1).join('/'));
  const path = join(root, file.path);
  await writeFile(path, file.content);
  await chmod(path, file.mode);
  await chown(path, ...file.owner);
}

async function makeFolder(root: string, folder: string): Promise<void> {
  const path = join(root, folder);
  try {
    await mkdir(path);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    throw error;
  }
  const { mode, owner } = FOLDERS[folder] ?? { mode: 0o755, owner: ROOT };
  await chmod(path, mode);
  await chown(path, ...owner);
}
