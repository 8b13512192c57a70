import { readFileSync } from 'node:fs';
import { Argument, Command, Help, Option } from '@commander-js/extra-typings';
import type { ExitCode } from './exit-code.ts';
import {
  connectionOptions,
  hostOptions,
  inventoryOptions,
  outputOptions,
  selectionOptions,
  tagOptions,
} from './options.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command and keeps its exit code. */
export type Run = (command: () => Promise<ExitCode>) => Promise<void>;

const EXIT_CODES = `
Exit codes:
  0 done, nothing to change   1 usage, inventory or role   2 drift found, a check failed
  3 a host failed   4 a host was unreachable   6 a host is locked   130 interrupted
  Several at once: the first of 130, 1, 3, 4, 6, 2, 0.`;

/**
 * The table of commands. Each is loaded only when it runs: help and completion stay fast.
 * What commander itself has to say (usage errors, help) goes to the given terminal.
 */
export function createProgram(terminal: Terminal, run: Run, { withCompletion = true } = {}) {
  const program = new Command('farmctl')
    .description('Brings a farm of Linux hosts to the state that one inventory describes, over SSH.')
    .version(version(), '-V, --version')
    .helpCommand(false)
    .showHelpAfterError('Try --help.')
    .configureHelp({
      // An option that may be repeated begins with an empty list, which tells nobody anything.
      optionDescription: (option) => new Help().optionDescription(option).replace(' (default: [])', ''),
    })
    .configureHelp({ optionDescription })
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .addHelpText('after', EXIT_CODES)
    .exitOverride();

  program.commandsGroup('Farm:');
  hostOptions(program.command('plan'))
    .description('show what apply would change; changes nothing')
    .option('-D, --diff', 'print diffs whole, however long')
    .option('--detailed-exitcode', 'end with 2 where there are changes')
    .action((flags) => run(async () => (await import('./commands/plan.ts')).plan(flags, terminal)));
  hostOptions(program.command('apply'))
    .description('show the plan, ask, and make its changes')
    .option('-D, --diff', 'print diffs whole, however long')
    .option('-C, --check', 'only the plan: the same as `farmctl plan`')
    .option('-y, --yes', 'do not ask')
    .action((flags) => run(async () => (await import('./commands/apply.ts')).apply(flags, terminal)));
  hostOptions(program.command('drift'))
    .description('say how far the hosts are from the inventory: ends with 2 where they differ')
    .option('-D, --diff', 'print diffs whole, however long')
    .action((flags) => run(async () => (await import('./commands/plan.ts')).drift(flags, terminal)));
  hostOptions(program.command('verify'))
    .description('run every declared check: ends with 2 where one fails')
    .action((flags) => run(async () => (await import('./commands/verify.ts')).verify(flags, terminal)));

  program.commandsGroup('Hosts:');
  outputOptions(connectionOptions(selectionOptions(inventoryOptions(program.command('exec')))))
    .description('run a command on hosts: farmctl exec -l app -- uptime')
    .addArgument(new Argument('<command...>', 'the command and its arguments; one word is a line of shell'))
    .action((words, flags) => run(async () => (await import('./commands/exec.ts')).exec(words, flags, terminal)));
  outputOptions(connectionOptions(selectionOptions(inventoryOptions(program.command('facts')))))
    .description('what hosts say about themselves, and whether they want a reboot')
    .action((flags) => run(async () => (await import('./commands/facts.ts')).facts(flags, terminal)));

  program.commandsGroup('Offline:');
  inventoryOptions(program.command('validate'))
    .description('find every mistake in inventory, roles and templates, without any host')
    .option('--facts <file>', 'facts of hosts, as `farmctl facts --json` prints them')
    .action((flags) => run(async () => (await import('./commands/validate.ts')).validate(flags, terminal)));
  tagOptions(selectionOptions(inventoryOptions(program.command('render'))))
    .description('write every file of every host to a folder, without any host')
    .option('-o, --output <folder>', 'where to write; without it the files are listed')
    .option('--facts <file>', 'facts of hosts, as `farmctl facts --json` prints them')
    .action((flags) => run(async () => (await import('./commands/render.ts')).render(flags, terminal)));
  selectionOptions(inventoryOptions(program.command('inventory')))
    .description('show the farm as a tree, as JSON or as a graph')
    .optionsGroup('Output:')
    .option('--json', 'print it as JSON')
    .addOption(new Option('--graph <format>', 'tiers, roles and their order as a graph').choices(['dot', 'mermaid']))
    .action((flags) => run(async () => (await import('./commands/inventory.ts')).inventory(flags, terminal)));
  inventoryOptions(program.command('roles'))
    .description('list the roles, or print the reference of one')
    .addArgument(new Argument('[name]', 'a role'))
    .option('--json', 'print it as JSON')
    .option('--markdown', 'print the reference as Markdown')
    .action((name, flags) => run(async () => (await import('./commands/roles.ts')).roles(name, flags, terminal)));
  inventoryOptions(program.command('explain'))
    .description('say which value of a variable won on a host, where it stands, and which lost')
    .addArgument(new Argument('<variable>', 'ROLE.VARIABLE, a role, or a variable'))
    .requiredOption('--host <name>', 'the host')
    .option('--json', 'print it as JSON')
    .action((variable, flags) =>
      run(async () => (await import('./commands/explain.ts')).explain(variable, flags, terminal)),
    );
  inventoryOptions(program.command('schema'))
    .description('print the JSON Schema of inventories, for editors')
    .action((flags) => run(async () => (await import('./commands/schema.ts')).schema(flags, terminal)));

  program.commandsGroup('Set-up:');
  program
    .command('init')
    .description('make a project: inventory, a role with a template, editor settings')
    .addArgument(new Argument('<folder>', 'a new or empty folder'))
    .action((folder) => run(async () => (await import('./commands/init.ts')).init(folder, terminal)));
  // The adapter that answers the shell brings a command of that name itself.
  if (!withCompletion) return program;
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish', 'powershell']))
    .action((shell) => run(async () => (await import('./commands/completion.ts')).completion(shell)));
  return program;
}

/** An empty list says nothing as a default. */
function optionDescription(option: Option): string {
  const isEmpty = Array.isArray(option.defaultValue) && option.defaultValue.length === 0;
  return isEmpty ? option.description : new Help().optionDescription(option);
}

function version(): string {
  // From src/cli/ and from dist/src/, where the bundle lies, the way is the same.
  const manifest: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return String(manifest.version);
}
