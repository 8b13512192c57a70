/** A variable as the reference page tells it. */
export interface SchemaRow {
  /** `listen`, and for what lies inside: `sites.<name>.root`, `peers[].address`. */
  readonly name: string;
  /** `whole number from 1 to 65535`, `one of a, b`, `list of text`. */
  readonly type: string;
  readonly required: boolean;
  /** As YAML on one line; undefined where there is none. */
  readonly fallback: string | undefined;
  readonly description: string | undefined;
}

/** A longer pattern tells a reader less than the sentence beside it; a wrong value is told what it should be. */
const LONG_PATTERN = 40;
const MANY_WORDS = 16;

/** The JSON Schema keywords that are told. Read from a schema that is plain data. */
interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  /** A pattern in words. */
  readonly title?: string;
  readonly secret?: boolean;
  readonly default?: unknown;
  readonly description?: string;
}

/** All variables that an object's schema declares, those inside objects and lists after their own. */
export function schemaRows(schema: object, prefix = ''): SchemaRow[] {
  const { properties = {}, required = [] } = schema as Schema;
  return Object.entries(properties).flatMap(([key, inner]) => {
    const name = prefix + key;
    const row: SchemaRow = {
      name,
      type: typeWords(inner),
      required: required.includes(key) && inner.default === undefined,
      fallback: inner.default === undefined ? undefined : JSON.stringify(inner.default),
      description: inner.description,
    };
    return [row, ...inside(inner, name)];
  });
}

function inside(schema: Schema, name: string): SchemaRow[] {
  if (schema.properties !== undefined) return schemaRows(schema, `${name}.`);
  if (schema.items !== undefined) return inside(schema.items, `${name}[]`);
  const [entry] = Object.values(schema.patternProperties ?? {});
  if (entry !== undefined) return inside(entry, `${name}.<name>`);
  return (schema.anyOf ?? []).flatMap((branch) => inside(branch, name));
}

function typeWords(schema: Schema): string {
  if (schema.secret === true) return 'secret (!file or !env)';
  if (schema.enum !== undefined) return enumWords(schema.enum.map(String));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeWords))].join(', or ');
  if (schema.type === 'array' && schema.items !== undefined) return `list of ${typeWords(schema.items)}`;
  const [entry] = Object.values(schema.patternProperties ?? {});
  if (entry !== undefined) return `map of ${typeWords(entry)}`;
  if (Array.isArray(schema.type))
    return schema.type.map((type: unknown) => typeWords({ ...schema, type })).join(', or ');
  switch (schema.type) {
    case 'integer':
      return `whole number${limits(schema)}`;
    case 'number':
      return `number${limits(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'object':
      return 'map';
    case 'string':
      return stringWords(schema);
    default:
      return 'any value';
  }
}

function enumWords(words: readonly string[]): string {
  if (words.length <= MANY_WORDS) return `one of ${words.join(', ')}`;
  return `one of ${words.length} words: ${words.slice(0, 3).join(', ')} … ${words.at(-1)}`;
}

function limits({ minimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` from ${minimum}`;
  return maximum === undefined ? '' : ` up to ${maximum}`;
}

function stringWords({ format, pattern, title }: Schema): string {
  if (title !== undefined) return title;
  if (format === 'ipv4') return 'IPv4 address';
  if (format === 'ipv4-network') return 'IPv4 network such as 10.77.0.0/24';
  return pattern === undefined || pattern.length > LONG_PATTERN ? 'text' : `text like ${pattern}`;
}
