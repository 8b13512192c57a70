import { FarmError, problem } from '../../src/model/diagnostic.ts';
import type { Degree } from './host.ts';
import type { LabPaths, StatePaths } from './paths.ts';
import type { HostRecord } from './record.ts';

/** Which lab a host belongs to. */
export interface HostPlace {
  readonly lab: string;
  readonly state: StatePaths;
  readonly paths: LabPaths;
}

/** What a new host is given. */
export interface Seed {
  /** Line of authorized_keys for root and operator. */
  readonly publicKey: string;
  /** URL of apt's proxy, as the host sees it. */
  readonly proxy: string;
}

export type HostState = 'running' | 'frozen' | 'off';

/** One kind of host. What it starts is in the control group `lab-LAB/host-NAME`; `down` needs nothing else to end it. */
export interface HostDriver {
  /** Makes what a host of that system and degree is made of, where it is not there yet. @returns its `layers` */
  ensureLayers(state: StatePaths, os: string, degree: Degree, say: (line: string) => void): Promise<readonly string[]>;
  /** Makes a new root for a host that is off; what it had is gone. */
  prepare(place: HostPlace, host: HostRecord, seed: Seed): Promise<void>;
  /** Switches it on, on what it has written so far. Nothing happens where it is on. Does not wait for its services. */
  start(place: HostPlace, host: HostRecord): Promise<void>;
  /** Pulls the power cord: no process of it lives on, no cable of it is left. */
  powerOff(place: HostPlace, host: HostRecord): Promise<void>;
  setFrozen(place: HostPlace, host: HostRecord, frozen: boolean): Promise<void>;
  state(place: HostPlace, host: HostRecord): Promise<HostState>;
  /** Delays what leaves the host by one of its devices; 0 ends that. @throws FarmError lab/no-delay */
  setDelay(place: HostPlace, host: HostRecord, device: string, delayMs: number): Promise<void>;
  /** Its public ed25519 key as `ssh-ed25519 AAAA…`, read from its disk; undefined before it has made one. */
  hostKey(place: HostPlace, host: HostRecord): Promise<string | undefined>;
  /** True once its boot lets users log in; asked when its sshd answers. */
  letsIn(place: HostPlace, host: HostRecord): Promise<boolean>;
  /** Why its boot will never end, where its console says so. */
  bootFailure(place: HostPlace, host: HostRecord): Promise<string | undefined>;
  /** The words that run a command on the host as root, its networks cut or not. @throws FarmError lab/host-off */
  onHost(place: HostPlace, host: HostRecord, argv: readonly string[]): Promise<readonly string[]>;
}

export function hostOff(place: HostPlace, host: HostRecord): FarmError {
  return new FarmError(
    problem('lab/host-off', 'A host that is off', `Host ${host.name} of lab ${place.lab} does not run.`, {
      hint: `npm run lab -- power-on ${host.name} --name ${place.lab}`,
    }),
  );
}
