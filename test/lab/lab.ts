import { join } from 'node:path';
import { type CommandOptions, type CommandResult, command, type RunningCommand, startCommand } from './command.ts';
import { down } from './down.ts';
import { driverOf } from './drivers.ts';
import { layoutFromInventory } from './from-inventory.ts';
import { type ChosenKinds, type Degree, firstAddress, type LabHost, type LabNetwork } from './host.ts';
import { type HostOperations, type HostStatus, hostOperations, labStatus, pickHosts } from './hosts.ts';
import { asUserOf } from './namespace.ts';
import { labPaths, PROJECT_PATH, type StatePaths, statePaths } from './paths.ts';
import { checkLabName, readRecord, requireRecord } from './record.ts';
import { checkRequirements } from './requirements.ts';
import { up } from './up.ts';

export type { CommandOptions, CommandResult, RunningCommand } from './command.ts';

/** One host of an open lab. */
export interface HostHandle extends LabHost {
  /** Its address in that network, or its own. @throws Error where it is not in that network */
  addressIn(network?: string): string;
  /** Runs a shell script on the host as root by the lab's own way in: it works while the host is cut off. */
  exec(script: string, options?: CommandOptions): Promise<CommandResult>;
  /** As `exec`. @throws Error with the output where it does not end with 0. @returns stdout */
  must(script: string, options?: CommandOptions): Promise<string>;
  powerOff(): Promise<void>;
  powerOn(): Promise<void>;
  /** Switches itself off, all written to its disk. */
  shutDown(): Promise<void>;
  cut(network?: string): Promise<void>;
  /** VMs alone: delays what it sends. @throws FarmError lab/no-delay */
  slow(delayMs: number, network?: string): Promise<void>;
  mend(network?: string): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** A lab that is up. */
export interface Lab {
  readonly name: string;
  /** Private key, known_hosts and ssh configuration for its hosts; root's key is operator's too. */
  readonly keyPath: string;
  readonly knownHostsPath: string;
  readonly sshConfigPath: string;
  /** Holds the password of `operator`, who may use sudo with it. */
  readonly operatorPasswordPath: string;
  readonly hostNames: readonly string[];
  /** Each with the address that clients started by `run` have in it. */
  readonly networks: readonly LabNetwork[];
  /** @throws FarmError lab/unknown-host */
  host(name: string): HostHandle;
  /** Starts a command in the lab's network: its process is the command's own, so a signal to it hits nothing else. */
  start(argv: readonly string[], options?: CommandOptions): RunningCommand;
  /** Runs a command in the lab's network to its end. Relative paths are the project's. */
  run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Starts farmctl from source in the lab's network: ssh's configuration there has the lab's key and known_hosts. */
  startFarmctl(args: readonly string[], options?: CommandOptions): RunningCommand;
  farmctl(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  status(): Promise<readonly HostStatus[]>;
  reset: HostOperations['reset'];
  down(): Promise<void>;
}

export interface OpenLabOptions {
  /** Default `test`. Labs of different names do not see each other. */
  readonly name?: string;
  /** What the hosts are made of. Default: what they are, or blank. Hosts made of another are made anew. */
  readonly image?: Degree;
  /** Hosts that are VMs or containers although their roles do not say so. */
  readonly kinds?: ChosenKinds;
  /** Hosts that were up before lose what they have written. */
  readonly fresh?: boolean;
  /** Progress, a line each; default silent. */
  readonly say?: (line: string) => void;
}

/** Brings a lab up, or takes the one that is up, as the inventory says. @throws FarmError */
export async function openLab(inventoryPath: string, options: OpenLabOptions = {}): Promise<Lab> {
  const state = statePaths();
  const name = checkLabName(options.name ?? 'test');
  const say = options.say ?? (() => undefined);
  await checkRequirements(false, say);
  const layout = await layoutFromInventory(inventoryPath, options.kinds);
  const earlier = options.fresh === true ? ((await readRecord(state, name))?.hosts ?? []) : [];
  const degree = options.image === undefined ? {} : { degree: options.image };
  await up(state, { lab: name, inventory: inventoryPath, layout, say, ...degree });
  const stale = earlier.filter((one) => layout.hosts.some((host) => host.name === one.name)).map((one) => one.name);
  if (stale.length > 0) await hostOperations(state, name).reset(...stale);
  return labHandle(state, name);
}

/** A first installation on many blank hosts takes minutes. */
const FARMCTL_TIMEOUT_MS = 900_000;

/** Words that start farmctl from source. */
export function farmctlWords(args: readonly string[]): readonly string[] {
  return [process.execPath, '-C', 'farmctl-source', join(PROJECT_PATH, 'src/bin.ts'), ...args];
}

async function labHandle(state: StatePaths, name: string): Promise<Lab> {
  const record = await requireRecord(state, name);
  const paths = labPaths(state, name);
  const operations = hostOperations(state, name);
  const place = { lab: name, state, paths };

  const start = (argv: readonly string[], options: CommandOptions = {}) =>
    startCommand([...asUserOf(name, paths.sshConfig), ...argv], { cwd: PROJECT_PATH, ...options });
  const startFarmctl = (args: readonly string[], options: CommandOptions = {}) =>
    start(farmctlWords(args), { timeoutMs: FARMCTL_TIMEOUT_MS, ...options });

  const host = (hostName: string): HostHandle => {
    const [found] = pickHosts(record, [hostName]);
    if (found === undefined) throw new Error(`pickHosts found no ${hostName}`);
    const exec = async (script: string, options?: CommandOptions) =>
      command(await driverOf(found).onHost(place, found, ['sh', '-c', script]), options);
    return {
      ...found,
      addressIn: (network) => {
        if (network === undefined) return firstAddress(found).address;
        const one = found.addresses.find((address) => address.network === network);
        if (one === undefined) throw new Error(`${hostName} is not in the network ${network}`);
        return one.address;
      },
      exec,
      must: async (script, options) => {
        const result = await exec(script, options);
        if (result.exitCode === 0) return result.stdout;
        throw new Error(`on ${hostName}: ${script}\nexit ${result.exitCode}\n${result.stdout}${result.stderr}`);
      },
      powerOff: () => operations.powerOff(hostName),
      powerOn: () => operations.powerOn(hostName),
      cut: (network) => operations.cut(hostName, network),
      shutDown: () => operations.shutDown(hostName),
      slow: (delayMs, network) => operations.slow(hostName, delayMs, network),
      mend: (network) => operations.mend(hostName, network),
      freeze: () => operations.freeze(hostName),
      thaw: () => operations.thaw(hostName),
    };
  };

  return {
    name,
    keyPath: state.key,
    knownHostsPath: paths.knownHosts,
    sshConfigPath: paths.sshConfig,
    operatorPasswordPath: state.operatorPassword,
    networks: record.networks,
    hostNames: record.hosts.map((one) => one.name),
    host,
    start,
    run: (argv, options) => start(argv, options).result,
    startFarmctl,
    farmctl: (args, options) => startFarmctl(args, options).result,
    status: () => labStatus(state, name),
    reset: operations.reset,
    down: () => down(state, name),
  };
}
