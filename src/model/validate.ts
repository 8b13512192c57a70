import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from 'ajv';
import { parseAddress, parseCidr } from './address.ts';
import { Content } from './content.ts';
import { fits } from './fits.ts';
import type { TSchema } from './schema.ts';
import { Secret } from './secret.ts';

/** One mistake in a value, as ajv tells it. `schema` is the schema that the value at `path` should satisfy. */
export interface Problem {
  /** JSON pointer to the value, and the same as keys. */
  readonly instancePath: string;
  readonly path: readonly string[];
  readonly keyword: string;
  /** A clause that follows the value's name: `must be integer`. */
  readonly message: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

export interface ValidateOptions {
  /** Writes the schema's defaults into the value. Default true. */
  readonly fillDefaults?: boolean;
  /** Reports each `Secret` where the schema has no `secret`. Default false: resources carry secrets in many places. */
  readonly refuseStraySecrets?: boolean;
}

/** Places where the keyword `secret` met a secret in the validation that runs; validation is synchronous. */
let acceptedSecrets = new Set<string>();

function createAjv(useDefaults: boolean): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    strict: true,
    strictRequired: false,
    strictTypes: true,
    allowUnionTypes: true,
    discriminator: true,
    verbose: true,
    useDefaults,
    // Tidying the generated code costs more than it saves: each schema meets few values.
    code: { optimize: false },
    // The meta-schema alone takes 40 ms to compile; what is unusable in a schema comes out when it is compiled.
    validateSchema: false,
  });
  ajv.addKeyword({ keyword: 'deferred', schemaType: 'object', errors: 'full', validate: deferredCheck(useDefaults) });
  ajv.addKeyword({
    keyword: 'secret',
    schemaType: 'boolean',
    errors: false,
    validate: (_wanted: boolean, value: unknown, _schema: unknown, where?: { instancePath: string }) => {
      if (!(value instanceof Secret)) return false;
      acceptedSecrets.add(where?.instancePath ?? '');
      return true;
    },
  });
  ajv.addKeyword({
    keyword: 'content',
    schemaType: 'boolean',
    errors: false,
    validate: (_wanted: boolean, value: unknown) => value instanceof Content,
  });
  ajv.addFormat('ipv4', { type: 'string', validate: (text: string) => 'value' in parseAddress(text) });
  ajv.addFormat('ipv4-network', { type: 'string', validate: (text: string) => 'value' in parseCidr(text) });
  return ajv;
}

/** The keyword `deferred`: the schema that it holds, compiled when the first value meets it. */
function deferredCheck(fillDefaults: boolean): SchemaValidateFunction {
  const validateDeferred: SchemaValidateFunction = (schema: TSchema, value: unknown, _parent, where) => {
    const check = compile(schema, fillDefaults);
    const isValid = check(value, where);
    // Ajv writes the place of this keyword over what each error says of itself: `original` keeps it.
    validateDeferred.errors = (check.errors ?? []).map((original) => ({ ...original, original }));
    return isValid;
  };
  return validateDeferred;
}

function originalOf(error: ErrorObject & { readonly original?: ErrorObject }): ErrorObject {
  return error.original ?? error;
}

const instances = new Map<boolean, Ajv>();
const compiled = new Map<boolean, WeakMap<object, ValidateFunction>>();

/** Compiled at first use and kept as long as the schema itself: compiling costs some milliseconds. */
export function compile(schema: TSchema, fillDefaults: boolean): ValidateFunction {
  let cache = compiled.get(fillDefaults);
  if (cache === undefined) {
    cache = new WeakMap();
    compiled.set(fillDefaults, cache);
  }
  let check = cache.get(schema);
  if (check === undefined) {
    let ajv = instances.get(fillDefaults);
    if (ajv === undefined) {
      ajv = createAjv(fillDefaults);
      instances.set(fillDefaults, ajv);
    }
    check = ajv.compile(schema);
    cache.set(schema, check);
  }
  return check;
}

/**
 * All mistakes of a value, none where it satisfies the schema. Fills in defaults in place unless told otherwise.
 * @throws Error for a schema that is wrong itself (an author's mistake).
 */
export function validate(schema: TSchema, value: unknown, options: ValidateOptions = {}): Problem[] {
  const fillDefaults = options.fillDefaults ?? true;
  let accepted = new Set<string>();
  let problems: Problem[] = [];
  if (!fits(schema, value, fillDefaults, accepted)) {
    const check = compile(schema, fillDefaults);
    acceptedSecrets = new Set();
    const valid = check(value);
    accepted = acceptedSecrets;
    problems = valid ? [] : narrow((check.errors ?? []).map(originalOf)).map(toProblem);
  }
  if (options.refuseStraySecrets !== true) return problems;
  const stray = straySecrets(value, '', accepted);
  if (stray.length === 0) return problems;
  const isBelow = (path: string) => stray.some((at) => path === at || path.startsWith(`${at}/`));
  return [...problems.filter((one) => !isBelow(one.instancePath)), ...stray.map(strayProblem)];
}

/** What is wrong with a schema itself, or undefined. */
export function schemaMistake(schema: TSchema, fillDefaults: boolean): string | undefined {
  try {
    compile(schema, fillDefaults);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function toProblem(error: ErrorObject): Problem {
  return {
    instancePath: error.instancePath,
    path: pointerKeys(error.instancePath),
    keyword: error.keyword,
    message: error.message ?? 'is wrong',
    params: error.params,
    schema: error.parentSchema ?? {},
    value: error.data,
  };
}

function strayProblem(instancePath: string): Problem {
  const message = 'must not be a secret';
  const value = undefined;
  return {
    instancePath,
    path: pointerKeys(instancePath),
    keyword: 'stray-secret',
    message,
    params: {},
    schema: {},
    value,
  };
}

/** The keys of a JSON pointer. */
function pointerKeys(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function straySecrets(value: unknown, at: string, accepted: ReadonlySet<string>): string[] {
  if (value instanceof Secret) return accepted.has(at) ? [] : [at];
  if (typeof value !== 'object' || value === null) return [];
  const stray: string[] = [];
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== 'object' || entry === null) continue;
    const found = straySecrets(entry, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, accepted);
    if (found.length > 0) stray.push(...found);
  }
  return stray;
}

/**
 * Of a value that fits no branch of `anyOf` ajv reports every branch. Where one branch alone has the value's type, what
 * is wrong inside that branch is the message; otherwise the `anyOf` is, and the branches are left out.
 */
function narrow(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept = [...errors];
  for (const whole of errors.filter((one) => one.keyword === 'anyOf')) {
    const prefix = `${whole.schemaPath}/`;
    // Of this value alone: others of the same schema may stand elsewhere.
    const isHere = ({ instancePath: path }: ErrorObject) =>
      path === whole.instancePath || path.startsWith(`${whole.instancePath}/`);
    const inside = kept.filter((one) => one.schemaPath.startsWith(prefix) && isHere(one));
    const branches = Map.groupBy(inside, (one) => one.schemaPath.slice(prefix.length).split('/', 1)[0]);
    const mismatches = (one: ErrorObject) =>
      one.instancePath === whole.instancePath && ['type', 'const', 'enum', 'secret'].includes(one.keyword);
    const fitting = [...branches.values()].filter((branch) => !branch.some(mismatches));
    const meant = fitting.length === 1 ? (fitting[0] ?? []) : [whole];
    kept = kept.filter((one) => one !== whole && !inside.includes(one));
    kept.push(...meant);
  }
  // Of a value of a wrong type nothing else is worth saying; an `if` error stands beside those of its branch.
  const mistyped = new Set(kept.filter((one) => one.keyword === 'type').map((one) => one.instancePath));
  return kept.filter((one) => one.keyword !== 'if' && (one.keyword === 'type' || !mistyped.has(one.instancePath)));
}
