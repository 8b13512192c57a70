import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/lib/digest.ts';
import { FarmError, problem } from '../../src/model/diagnostic.ts';

/** The project's root folder. */
export const PROJECT_PATH = fileURLToPath(new URL('../..', import.meta.url));

/** Where the lab keeps everything, `FARMCTL_LAB_DIR` or /var/lib/farmctl-lab. */
export interface StatePaths {
  readonly root: string;
  readonly images: string;
  /** What the package relay has fetched; survives `down`. */
  readonly packages: string;
  readonly relay: string;
  readonly labs: string;
  /** The throw-away private key that every lab host accepts. */
  readonly key: string;
  /** The password of the user `operator`, for `become_password: !file`. */
  readonly operatorPassword: string;
  /** Tells the control groups of two state folders apart. */
  readonly mark: string;
}

/** @throws FarmError where the folder's name could not be part of a mount option. */
export function statePaths(): StatePaths {
  const root = process.env['FARMCTL_LAB_DIR'] ?? '/var/lib/farmctl-lab';
  if (!/^\/[A-Za-z0-9_./-]{1,60}$/.test(root)) {
    throw new FarmError(
      problem('lab/state-folder', 'Unusable state folder', `The lab cannot keep its state in "${root}".`, {
        hint: 'Set FARMCTL_LAB_DIR to an absolute path of at most 60 letters, digits and . _ / -.',
      }),
    );
  }
  return {
    root,
    images: join(root, 'images'),
    packages: join(root, 'packages'),
    relay: join(root, 'relay'),
    labs: join(root, 'labs'),
    key: join(root, 'key'),
    operatorPassword: join(root, 'operator-password'),
    mark: sha256(root).slice(0, 8),
  };
}

/** The files of one lab. */
export interface LabPaths {
  readonly root: string;
  readonly record: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  readonly hosts: string;
}

export function labPaths(state: StatePaths, lab: string): LabPaths {
  const root = join(state.labs, lab);
  return {
    root,
    record: join(root, 'lab.json'),
    knownHosts: join(root, 'known_hosts'),
    sshConfig: join(root, 'ssh_config'),
    hosts: join(root, 'hosts'),
  };
}

/** The files of one host. */
export interface HostPaths {
  readonly root: string;
  /** What a container has written over its image. */
  readonly upper: string;
  readonly work: string;
  readonly mount: string;
  /** What its console prints, and what runs it. */
  readonly log: string;
  readonly start: string;
  /** What a VM's disk is given at its boots. */
  readonly seed: string;
  /** What a VM has written over its image. */
  readonly disk: string;
  /** The core that a VM runs on. */
  readonly core: string;
}

export function hostPaths(paths: LabPaths, host: string): HostPaths {
  const root = join(paths.hosts, host);
  return {
    root,
    upper: join(root, 'upper'),
    work: join(root, 'work'),
    mount: join(root, 'root'),
    log: join(root, 'log'),
    start: join(root, 'start'),
    seed: join(root, 'seed'),
    disk: join(root, 'disk'),
    core: join(root, 'core'),
  };
}
