import { type Command, InvalidArgumentError, type OptionValues } from '@commander-js/extra-typings';

/** Where the farm is described, and what the command line says over it. */
export interface InventoryFlags {
  readonly inventory?: string | undefined;
  readonly extraVars: readonly string[];
  /** How often `-v` was given; `true` is only in the declared type of flags that take no value. */
  readonly verbose: number | true;
}

/** Which hosts and parts. */
export interface SelectionFlags extends InventoryFlags {
  readonly limit: readonly string[];
  readonly exclude: readonly string[];
  readonly listHosts?: true | undefined;
}

export interface TagFlags {
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
}

/** How hosts are reached. */
export interface ConnectionFlags {
  readonly forks: number;
  readonly user?: string | undefined;
  readonly askPass?: true | undefined;
  readonly privateKey?: string | undefined;
  readonly become?: true | undefined;
  readonly askBecomePass?: true | undefined;
  readonly acceptNew?: true | undefined;
  /** Seconds. */
  readonly lockTimeout: number;
}

/** What is printed. */
export interface OutputFlags {
  readonly json?: true | undefined;
  readonly timings?: true | undefined;
}

/** Everything that a command over hosts takes. */
export type HostFlags = SelectionFlags & ConnectionFlags & OutputFlags;

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** `-t a,b -t c`. An empty word is kept: what it selects is for the selection to refuse. */
const collectList = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  ...value.split(',').map((word) => word.trim()),
];

function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= minimum && number <= maximum) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${minimum} to ${maximum}.`);
  };
}

const none: readonly string[] = [];

export function inventoryOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .optionsGroup('Inventory:')
    .option(
      '-i, --inventory <source>',
      'file, folder, or name under inventories/; - reads stdin (or FARMCTL_INVENTORY)',
    )
    .option(
      '-e, --extra-vars <role.variable=YAML>',
      'set a variable of a role over the inventory (repeatable)',
      collect,
      none,
    )
    .option('-v, --verbose', 'say more; -vv still more', (_: string, before: number) => before + 1, 0);
}

export function selectionOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .optionsGroup('Selection:')
    .option('-l, --limit <pattern>', 'hosts, tiers, roles: app:&web:!app3, globs, ranges app[1:3]', collect, none)
    .option('--exclude <pattern>', 'leave these hosts out', collect, none)
    .option('--list-hosts', 'print the selected hosts and stop');
}

export function tagOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .option('-t, --tags <tags>', 'only these roles, parts or tags (comma between)', collectList, none)
    .option('--skip-tags <tags>', 'all but these roles, parts or tags', collectList, none);
}

export function connectionOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .optionsGroup('Connection:')
    .option('-f, --forks <number>', 'hosts at once', wholeNumber(1, 1000), 50)
    .option('-u, --user <name>', 'log in as this user')
    .option('-k, --ask-pass', 'ask for the login password')
    .option('--private-key <file>', 'log in with this key')
    .option('-b, --become', 'become root with sudo')
    .option('-K, --ask-become-pass', "ask for sudo's password")
    .option('--accept-new', 'accept host keys of hosts never seen before, and remember them')
    .option('--lock-timeout <seconds>', 'wait so long for another run on a host', wholeNumber(0, 86_400), 30);
}

export function outputOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .optionsGroup('Output:')
    .option('--json', 'print the result as JSON')
    .option('--timings', 'say where the time went');
}

/** Selection, tags, connection and output: what the commands over roles on hosts share. */
export function hostOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return outputOptions(connectionOptions(tagOptions(selectionOptions(inventoryOptions(command)))));
}
