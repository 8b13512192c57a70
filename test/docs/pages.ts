import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  absent,
  authorizedKey,
  block,
  directory,
  dropIn,
  file,
  group,
  kernelModule,
  ownedDirectory,
  symlink,
  sysctl,
  unitFile,
  user,
} from 'farmctl';
import { createProgram } from '../../src/cli/program.ts';
import { processTerminal } from '../../src/cli/terminal.ts';
import { inventorySchema } from '../../src/inventory/schema.ts';
import { roleMarkdown } from '../../src/report/roles-view.ts';
import { schemaRows } from '../../src/report/schema-rows.ts';
import { loadRoles } from '../../src/role/load.ts';
import { helpers } from '../../src/template/helpers.ts';
import { PROJECT_PATH } from '../lab/paths.ts';

/** Pages of which parts are made from the code, between `<!-- generated: NAME -->` and `<!-- end -->`. */
export const PAGES = ['docs/commands.md', 'docs/inventory.md', 'docs/roles.md', 'docs/writing-a-role.md'] as const;

const RESOURCES = {
  absent,
  authorizedKey,
  block,
  directory,
  dropIn,
  file,
  group,
  kernelModule,
  ownedDirectory,
  symlink,
  sysctl,
  unitFile,
  user,
};

interface Row {
  readonly name: string;
  readonly type: string;
  readonly description: string | undefined;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** A pattern says less to a reader than the sentence beside it. */
function rowsOf(rows: readonly Row[]): readonly (readonly string[])[] {
  return rows.map(({ name, type, description }) => [
    `\`${name}\``,
    type.replaceAll(/text like \S+?(?=, or |$)/g, 'text'),
    description ?? '',
  ]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Arguments of a resource type. What JSON Schema cannot say is said in words. */
function resourceArguments(name: string): string {
  const found = Object.entries(RESOURCES).find(([key]) => key === name);
  if (found === undefined) throw new Error(`the reference knows no resource ${name}`);
  const { schema, defaults } = found[1].type;
  const properties: object = 'properties' in schema && isObject(schema.properties) ? schema.properties : {};
  const isContent = (key: string) => {
    const property: unknown = Reflect.get(properties, key);
    return isObject(property) && 'content' in property;
  };
  const rows = schemaRows(schema)
    .filter((row) => !(name === 'ownedDirectory' && row.name === 'names'))
    .map((row) => ({
      ...row,
      type: isContent(row.name) ? 'Content' : row.type.replace('list of any value', 'list of resources'),
    }));
  const byDefault = ({ name: argument, required }: (typeof rows)[number]) =>
    argument in defaults ? `\`${JSON.stringify(defaults[argument])}\`` : required ? '**required**' : '';
  const cells = rowsOf(rows).map(([argument = '', its = '', meaning = ''], index) => {
    const row = rows[index];
    return [argument, its, row === undefined ? '' : byDefault(row), meaning];
  });
  return table(['argument', 'type', 'default', 'meaning'], cells);
}

/** Keys of an inventory, without the variables of roles. */
function inventoryKeys(): string {
  return table(
    ['key', 'type', 'meaning'],
    rowsOf(inventoryRows(inventorySchema(new Map()), '').filter(({ name }) => !TOLD.test(name))),
  );
}

/** What stands in several places is told where it is told first. */
const TOLD = /^tiers\.NAME\.(hosts\.NAME\.)?(ssh\.(?!address)|become\.)/;

/** As schemaRows, but into the maps whose keys are the user's names. */
function inventoryRows(schema: object, prefix: string): readonly Row[] {
  const properties: unknown = Reflect.get(schema, 'properties');
  return schemaRows(schema)
    .filter((row) => !row.name.includes('.') && !row.name.includes('[]') && row.name !== '$schema')
    .flatMap((row): readonly Row[] => {
      const property: unknown = isObject(properties) ? Reflect.get(properties, row.name) : undefined;
      const own = { ...row, name: `${prefix}${row.name}` };
      if (!isObject(property)) return [own];
      const entry: unknown = Reflect.get(property, 'additionalProperties');
      if (isObject(entry)) return [own, ...inventoryRows(entry, `${own.name}.NAME.`)];
      return 'properties' in property ? [own, ...inventoryRows(property, `${own.name}.`)] : [own];
    });
}

async function roles(): Promise<string> {
  const { roles: all } = await loadRoles(undefined);
  return [...all.values()]
    .map((role) => `${roleMarkdown(role)}\nMore: [roles/${role.name}/README.md](../roles/${role.name}/README.md)`)
    .join('\n\n');
}

/** The help of every command, as a terminal of 100 columns shows it. */
function commands(): string {
  const program = createProgram({ ...processTerminal(), out: () => {}, err: () => {} }, async () => {});
  return program.commands
    .map((command) => {
      const help = command
        .configureHelp({ ...command.configureHelp(), helpWidth: 100 })
        .helpInformation()
        .trimEnd();
      return `## ${command.name()}\n\n\`\`\`\n${help}\n\`\`\``;
    })
    .join('\n\n');
}

function helperTable(): string {
  return Object.values(helpers)
    .map(({ summary }) => `- ${summary}`)
    .join('\n');
}

async function generate(name: string): Promise<string> {
  const [kind, of = ''] = name.split(' ');
  switch (kind) {
    case 'helpers':
      return helperTable();
    case 'resource':
      return resourceArguments(of);
    case 'inventory-keys':
      return inventoryKeys();
    case 'roles':
      return roles();
    case 'commands':
      return commands();
    default:
      throw new Error(`nothing makes the part "${name}" of a page`);
  }
}

/** A page as it should be: its parts made anew, the rest as it is. `path` is relative to the project. */
export async function renderPage(path: string): Promise<string> {
  const before = await readFile(join(PROJECT_PATH, path), 'utf8');
  let page = '';
  let at = 0;
  for (const match of before.matchAll(/<!-- generated: (.+) -->\n[\s\S]*?<!-- end -->/g)) {
    const part = await generate(match[1] ?? '');
    page += `${before.slice(at, match.index)}<!-- generated: ${match[1]} -->\n${part}\n<!-- end -->`;
    at = match.index + match[0].length;
  }
  return page + before.slice(at);
}
