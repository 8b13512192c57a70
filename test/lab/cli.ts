import { spawn } from 'node:child_process';
import { type Diagnostic, FarmError, problem } from '../../src/model/diagnostic.ts';
import { down, purge } from './down.ts';
import { layoutFromInventory } from './from-inventory.ts';
import { DEGREES, type Degree } from './host.ts';
import { type HostOperations, hostOperations, labStatus, pickHosts } from './hosts.ts';
import { farmctlWords } from './lab.ts';
import { knownNames } from './names.ts';
import { asUserOf } from './namespace.ts';
import { labPaths, type StatePaths, statePaths } from './paths.ts';
import { checkLabName, labNames, requireRecord } from './record.ts';
import { checkRequirements } from './requirements.ts';
import { statusTable } from './status-table.ts';
import { up } from './up.ts';

const USAGE = `A farm on this machine: hosts from an inventory, in a network of their own.

npm run lab -- COMMAND [OPTIONS]

  up [INVENTORY]           make the lab what the inventory says (default inventories/demo.yaml)
      --image DEGREE       blank (default), deps or warm: how much is installed on new hosts
      --vm HOST,...        these as VMs as well; hosts whose roles need a kernel of their own are VMs anyway
      --container HOST,... these as containers, whatever their roles need
      --install            install the packages that this machine lacks for it
  down                     remove all that up has made; images and fetched packages stay
      --purge              remove those too
      --all                every lab of this machine
  status [--json]          hosts, addresses, state
  ssh HOST [COMMAND...]    log in, host key checked
  run COMMAND...           run a command in the lab's network, where ssh knows the hosts
  farmctl ARGUMENTS...     run farmctl there, from source
  reset HOST...|--all      give hosts back the root that they had at first
  shut-down HOST...        switch off as the host's own command does
  power-off HOST...        pull the power cord
  power-on HOST...         switch on, with what was on the disk
  cut HOST [NETWORK]       cut a host off one network, or off all
  slow HOST MILLISECONDS [NETWORK]  VMs: delay what the host sends
  mend HOST [NETWORK]      put the cable back, end the delay
  freeze HOST...           stop every process of a host where it is
  thaw HOST...             let them go on

  --name NAME              which lab; default demo. Give it before the words of ssh, run and farmctl.
`;

const DEFAULT_NAME = 'demo';
const DEFAULT_INVENTORY = 'inventories/demo.yaml';

/** What the user asked for. Options that a command does not have are refused by it. */
interface Request {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

const WITH_VALUE = new Set(['name', 'image', 'vm', 'container']);

function usage(detail: string): FarmError {
  return new FarmError(problem('lab/usage', 'Wrong usage', detail, { hint: 'npm run lab -- --help' }));
}

/** For `ssh`, `run` and `farmctl` everything after the first word is the command's own. */
function parse(args: readonly string[], verbatim: boolean): Request {
  const words: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--' && words.length === 0) return { words: args.slice(index + 1), options };
    if (!word.startsWith('-')) {
      if (verbatim) return { words: args.slice(index), options };
      words.push(word);
      continue;
    }
    const [name = '', inline] = word.replace(/^--?/, '').split('=', 2);
    if (!WITH_VALUE.has(name)) {
      if (verbatim) return { words: args.slice(index), options };
      options.set(name, 'yes');
      continue;
    }
    const value = inline ?? args[++index];
    if (value === undefined) throw usage(`--${name} needs a value.`);
    options.set(name, value);
  }
  return { words, options };
}

type Command = (state: StatePaths, request: Request, lab: string) => Promise<number>;

/** A command and the options that it takes beside `--name`. */
interface Entry {
  readonly run: Command;
  readonly options: readonly string[];
  readonly verbatim?: boolean;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const upCommand: Command = async (state, { words, options }, lab) => {
  if (words.length > 1) throw usage('up takes one inventory.');
  const inventory = words[0] ?? DEFAULT_INVENTORY;
  await checkRequirements(options.has('install'), say);
  const named = (option: string) => options.get(option)?.split(',') ?? [];
  const layout = await layoutFromInventory(inventory, { vm: named('vm'), container: named('container') });
  const image = options.get('image');
  const degree = DEGREES.find((one) => one === image);
  if (image !== undefined && degree === undefined) throw usage(`--image is one of ${DEGREES.join(', ')}.`);
  const started = performance.now();
  const chosen: { degree?: Degree } = degree === undefined ? {} : { degree };
  await up(state, { lab, inventory, layout, say, ...chosen });
  say(`lab ${lab} is up: ${layout.hosts.length} hosts, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return 0;
};

const downCommand: Command = async (state, { options }, lab) => {
  for (const one of options.has('all') ? await labNames(state) : [lab]) {
    await down(state, one);
    say(`lab ${one} is down`);
  }
  if (options.has('purge') && !(await purge(state))) {
    throw new FarmError(
      problem('lab/in-use', 'Images are in use', `Images stay: ${(await labNames(state)).join(', ')} still up.`, {
        hint: 'npm run lab -- down --all --purge',
      }),
    );
  }
  return 0;
};

const statusCommand: Command = async (state, { options }, lab) => {
  const status = await labStatus(state, lab);
  process.stdout.write(options.has('json') ? `${JSON.stringify(status, undefined, 2)}\n` : statusTable(status));
  return 0;
};

const sshCommand: Command = async (state, { words }, lab) => {
  const [name, ...rest] = words;
  if (name === undefined) throw usage('ssh needs a host.');
  const host = name.slice(name.indexOf('@') + 1);
  const record = await requireRecord(state, lab);
  if (!record.hosts.some((one) => knownNames(one).includes(host))) pickHosts(record, [host]);
  return interactive([...asUserOf(lab, labPaths(state, lab).sshConfig), 'ssh', name, ...rest]);
};

const runCommand: Command = async (state, { words }, lab) => {
  if (words.length === 0) throw usage('run needs a command.');
  await requireRecord(state, lab);
  return interactive([...asUserOf(lab, labPaths(state, lab).sshConfig), ...words]);
};

const farmctlCommand: Command = async (state, { words }, lab) => {
  await requireRecord(state, lab);
  return interactive([...asUserOf(lab, labPaths(state, lab).sshConfig), ...farmctlWords(words)]);
};

/** The command has the terminal; its exit status is ours. Ctrl-C reaches it from the terminal. */
function interactive(argv: readonly string[]): Promise<number> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: 'inherit' });
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      done(code ?? (signal === 'SIGINT' ? 130 : 128));
    });
  });
}

function onHosts(task: (operations: HostOperations, names: readonly string[]) => Promise<void>): Command {
  return async (state, { words, options }, lab) => {
    if (words.length === 0 && !options.has('all')) throw usage('Name at least one host.');
    await task(hostOperations(state, lab), words);
    return 0;
  };
}

function onCable(task: (operations: HostOperations, name: string, network?: string) => Promise<void>): Command {
  return async (state, { words }, lab) => {
    const [name, network, ...more] = words;
    if (name === undefined || more.length > 0) throw usage('Name one host, and one of its networks if not all.');
    await task(hostOperations(state, lab), name, network);
    return 0;
  };
}

const slowCommand: Command = async (state, { words }, lab) => {
  const [name, delay = '', network, ...more] = words;
  if (name === undefined || more.length > 0)
    throw usage('Name one host, the delay, and one of its networks if not all.');
  if (!/^[1-9][0-9]{0,4}$/.test(delay)) throw usage('The delay is a number of milliseconds, at least 1.');
  await hostOperations(state, lab).slow(name, Number(delay), network);
  return 0;
};

const COMMANDS: Readonly<Record<string, Entry>> = {
  up: { run: upCommand, options: ['image', 'install', 'vm', 'container'] },
  down: { run: downCommand, options: ['purge', 'all'] },
  status: { run: statusCommand, options: ['json'] },
  ssh: { run: sshCommand, options: [], verbatim: true },
  run: { run: runCommand, options: [], verbatim: true },
  farmctl: { run: farmctlCommand, options: [], verbatim: true },
  reset: { run: onHosts((hosts, names) => hosts.reset(...names)), options: ['all'] },
  'shut-down': { run: onHosts((hosts, names) => hosts.shutDown(...names)), options: [] },
  'power-off': { run: onHosts((hosts, names) => hosts.powerOff(...names)), options: [] },
  'power-on': { run: onHosts((hosts, names) => hosts.powerOn(...names)), options: [] },
  freeze: { run: onHosts((hosts, names) => hosts.freeze(...names)), options: [] },
  thaw: { run: onHosts((hosts, names) => hosts.thaw(...names)), options: [] },
  cut: { run: onCable((hosts, name, network) => hosts.cut(name, network)), options: [] },
  slow: { run: slowCommand, options: [] },
  mend: { run: onCable((hosts, name, network) => hosts.mend(name, network)), options: [] },
};

/** Runs one command of the lab. @returns the exit status: 1 for what could not be done, else the command's own */
export async function runLab(args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (['--help', '-h', 'help'].includes(name)) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    const entry = COMMANDS[name];
    if (entry === undefined) throw usage(`There is no command "${name}".`);
    const request = parse(rest, entry.verbatim === true);
    for (const option of request.options.keys()) {
      if (option !== 'name' && !entry.options.includes(option)) throw usage(`${name} has no option --${option}.`);
    }
    const needsRoot = name !== 'up';
    if (needsRoot) await checkRequirements(false, say);
    return await entry.run(statePaths(), request, checkLabName(request.options.get('name') ?? DEFAULT_NAME));
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    for (const diagnostic of error.diagnostics) say(diagnosticText(diagnostic));
    return 1;
  }
}

/** A diagnostic as the lab's commands print it. */
export function diagnosticText(diagnostic: Diagnostic): string {
  const { at, output, hint } = diagnostic;
  return [
    `${diagnostic.severity}[${diagnostic.code}]: ${diagnostic.summary}`,
    ...(at === undefined ? [] : [`  ${at.file}:${at.line}:${at.column}`]),
    `  ${diagnostic.detail}`,
    ...(output === undefined || output === '' ? [] : output.split('\n').map((line) => `  | ${line}`)),
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ].join('\n');
}
