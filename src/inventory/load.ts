import type { Diagnostic } from '../model/diagnostic.ts';
import { hasErrors, problem } from '../model/diagnostic.ts';
import type { Farm } from '../model/farm.ts';
import type { RoleDeclarations } from '../model/role-declaration.ts';
import { schemaMistake, validate } from '../model/validate.ts';
import { buildFarm } from './build.ts';
import { isMap } from './merge.ts';
import { schemaDiagnostic } from './mistakes.ts';
import { HOST_KEYS } from './networks.ts';
import { readOptions } from './options.ts';
import { inventorySchema, levelVariables } from './schema.ts';
import { readInventory } from './source.ts';
import { resolveTags, UNREADABLE } from './tags.ts';
import { LEADING_ZERO } from './yaml.ts';

export interface LoadOptions {
  readonly roles: RoleDeclarations;
  /** Of `-e`: `role.variable=YAML`. */
  readonly overrides?: readonly string[];
  /** For `!env`, and HOME for `~/`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What the standard input holds, where the source is `-`. */
  readonly input?: string;
  /** Where relative names start from. Default: the working directory. */
  readonly directory?: string;
  /** False: values are not held against the schemas, for who only wants names and wants them at once. Default true. */
  readonly checksValues?: boolean;
}

export interface LoadedInventory {
  /** Undefined where a diagnostic is an error. */
  readonly farm?: Farm;
  /** In the order of the files and lines. */
  readonly diagnostics: readonly Diagnostic[];
  /** The texts that were read, by the name that places have: for code frames. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Loads an inventory: a file, a folder, a name under `inventories/`, or `-` for `options.input`. All mistakes are
 * reported at once; it throws for none of them.
 */
export async function loadInventory(source: string, options: LoadOptions): Promise<LoadedInventory> {
  const { roles, overrides = [], environment = {}, input, directory = process.cwd(), checksValues = true } = options;
  const read = await readInventory(source, directory, input);
  const diagnostics = [...read.diagnostics];
  const { levels, diagnostics: optionDiagnostics } = await readOptions(overrides, roles, directory, environment);
  diagnostics.push(...optionDiagnostics);
  let farm: Farm | undefined;
  if (read.document !== undefined) {
    diagnostics.push(...(await resolveTags(read.requests, environment)));
    const { document } = read;
    try {
      const found = checksValues ? checkSchema(document, roles) : UNCHECKED;
      diagnostics.push(...found.diagnostics);
      const build = { options: levels, brokenRoles: found.brokenRoles, home: environment['HOME'], checksValues };
      farm = buildFarm({ document, roles, diagnostics }, build);
    } catch (error) {
      const wrong = wrongSchemas(roles);
      if (wrong.length === 0) throw error;
      diagnostics.push(...wrong);
    }
  }
  const sources = new Map([...read.sources].map(([file, { text }]) => [file, text]));
  const sorted = inOrder(withoutSuperfluous(diagnostics), [...read.sources.keys()]);
  return farm === undefined || hasErrors(sorted)
    ? { diagnostics: sorted, sources }
    : { farm, diagnostics: sorted, sources };
}

/** Roles whose own schema cannot be used: that comes out when the first value is checked. */
function wrongSchemas(roles: RoleDeclarations): Diagnostic[] {
  return [...roles.values()].flatMap(({ name, variables }) => {
    const mistake = schemaMistake(levelVariables(variables), false) ?? schemaMistake(variables, true);
    if (mistake === undefined) return [];
    const detail = `The schema of role ${name}'s variables cannot be used: ${mistake}.`;
    return [
      problem('role/invalid-schema', 'Wrong schema', detail, { hint: `Correct "variables" in roles/${name}/role.ts.` }),
    ];
  });
}

interface SchemaFindings {
  readonly diagnostics: readonly Diagnostic[];
  /** Roles whose variables are wrong on some level. */
  readonly brokenRoles: ReadonlySet<string>;
}

const UNCHECKED: SchemaFindings = { diagnostics: [], brokenRoles: new Set() };

function checkSchema(document: Record<string, unknown>, roles: RoleDeclarations): SchemaFindings {
  const schema = inventorySchema(roles);
  const networks = isMap(document['networks']) ? document['networks'] : {};
  const brokenRoles = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const found of validate(schema, document, { fillDefaults: false, refuseStraySecrets: true })) {
    if (found.value === UNREADABLE) continue;
    const [top, , third, , fifth] = found.path;
    if (top === 'tiers' && third === 'hosts' && fifth !== undefined) {
      // Any other key of a host is an address to the schema; that it is unknown is reported where networks are known.
      const isKnown = HOST_KEYS.includes(fifth) || roles.has(fifth) || Object.hasOwn(networks, fifth);
      if (!isKnown) continue;
    }
    for (const key of found.path) {
      const [role = ''] = key.split('/', 1);
      if (roles.has(role)) brokenRoles.add(role);
    }
    diagnostics.push(schemaDiagnostic(document, found));
  }
  return { diagnostics, brokenRoles };
}

/** Of a number with a leading zero where no number may be, the error says enough. */
function withoutSuperfluous(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const key = ({ at }: Diagnostic) => `${at?.file}:${at?.line}:${at?.column}`;
  const errors = new Set(diagnostics.filter((one) => one.severity === 'error').map(key));
  return diagnostics.filter((one) => one.code !== LEADING_ZERO || !errors.has(key(one)));
}

/** By file in the order of reading, then by line; what has no place comes first. */
function inOrder(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const rank = new Map(files.map((file, index) => [file, index]));
  return diagnostics.toSorted((a, b) => {
    const fileA = a.at === undefined ? -1 : (rank.get(a.at.file) ?? 0);
    const fileB = b.at === undefined ? -1 : (rank.get(b.at.file) ?? 0);
    return fileA - fileB || (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0);
  });
}
