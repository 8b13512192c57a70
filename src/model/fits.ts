import { parseAddress, parseCidr } from './address.ts';
import { Content } from './content.ts';
import { Secret } from './secret.ts';

/*
 * Whether a value fits a schema, and nothing more. Almost every value does, and looking takes less time than ajv needs
 * to make a validator of the schema; what is wrong with the others ajv says (see validate.ts). Only schemas made of the
 * keywords below are looked at here, all others are left to ajv.
 */

type Schema = Readonly<Record<string, unknown>>;

/** Where a value stands, for secrets that were met. */
interface Place {
  readonly above: Place | undefined;
  readonly key: string | number;
}

interface Look {
  readonly fillDefaults: boolean;
  /** Pointers to values that the keyword `secret` has met. */
  readonly secrets: Set<string>;
}

const ANNOTATIONS = new Set(['description', 'title', 'default', '$schema', 'examples']);

/** Keywords that mean something for one type only: the schema must name it, as ajv's strict mode wants. */
const TYPE_OF_KEYWORD: Readonly<Record<string, readonly string[]>> = {
  pattern: ['string'],
  format: ['string'],
  minLength: ['string'],
  maxLength: ['string'],
  minimum: ['integer', 'number'],
  maximum: ['integer', 'number'],
  exclusiveMinimum: ['integer', 'number'],
  exclusiveMaximum: ['integer', 'number'],
  items: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  uniqueItems: ['array'],
  properties: ['object'],
  patternProperties: ['object'],
  required: ['object'],
  additionalProperties: ['object'],
  minProperties: ['object'],
  maxProperties: ['object'],
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  ipv4: (text) => 'value' in parseAddress(text),
  'ipv4-network': (text) => 'value' in parseCidr(text),
};

const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isUnderstoodKeyword(keyword: string, value: unknown): boolean {
  switch (keyword) {
    case 'type':
      return [value].flat().every((one) => typeof one === 'string' && TYPES.includes(one));
    case 'pattern':
      return typeof value === 'string' && regExp(value) !== undefined;
    case 'format':
      return typeof value === 'string' && Object.hasOwn(FORMATS, value);
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
    case 'maxProperties':
      return isCount(value);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return typeof value === 'number' && Number.isFinite(value);
    case 'required':
      return Array.isArray(value) && value.every((one) => typeof one === 'string');
    case 'enum':
      return Array.isArray(value) && value.length > 0 && value.every(isScalar);
    case 'const':
      return isScalar(value);
    case 'secret':
    case 'content':
    case 'uniqueItems':
      return value === true;
    case 'items':
    case 'deferred':
      return isSchema(value) && isUnderstood(value);
    case 'additionalProperties':
      return typeof value === 'boolean' || (isSchema(value) && isUnderstood(value));
    case 'properties':
      return isSchema(value) && Object.values(value).every((one) => isSchema(one) && isUnderstood(one));
    case 'patternProperties':
      return (
        isUnderstoodKeyword('properties', value) && Object.keys(Object(value)).every((one) => regExp(one) !== undefined)
      );
    case 'anyOf':
      // A default inside has no effect: ajv says so to the author.
      return (
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((one) => isSchema(one) && isUnderstood(one) && !holdsDefault(one))
      );
    default:
      return ANNOTATIONS.has(keyword);
  }
}

function holdsDefault(schema: Schema): boolean {
  const { properties, patternProperties, items, additionalProperties } = schema;
  const maps = [properties, patternProperties].flatMap((one) => (isSchema(one) ? Object.values(one) : []));
  const inside = [...maps, items, additionalProperties];
  return Object.hasOwn(schema, 'default') || inside.some((one) => isSchema(one) && holdsDefault(one));
}

const understood = new WeakMap<object, boolean>();

function isUnderstood(schema: Schema): boolean {
  const known = understood.get(schema);
  if (known !== undefined) return known;
  const types = [schema['type']].flat();
  const answer = Object.entries(schema).every(([keyword, value]) => {
    const wanted = TYPE_OF_KEYWORD[keyword];
    if (wanted !== undefined && !types.some((type) => wanted.includes(String(type)))) return false;
    return isUnderstoodKeyword(keyword, value);
  });
  understood.set(schema, answer);
  return answer;
}

const expressions = new Map<string, RegExp | undefined>();

function regExp(pattern: string): RegExp | undefined {
  if (!expressions.has(pattern)) expressions.set(pattern, compiled(pattern));
  return expressions.get(pattern);
}

function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function hasType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'object':
      return isSchema(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function pointer(place: Place | undefined): string {
  if (place === undefined) return '';
  return `${pointer(place.above)}/${String(place.key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function check(schema: Schema, value: unknown, place: Place | undefined, look: Look): boolean {
  const { type } = schema;
  if (type !== undefined && ![type].flat().some((one) => hasType(one, value))) return false;
  if (schema['secret'] === true) {
    if (!(value instanceof Secret)) return false;
    look.secrets.add(pointer(place));
  }
  if (schema['content'] === true && !(value instanceof Content)) return false;
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) return false;
  if (Object.hasOwn(schema, 'const') && schema['const'] !== value) return false;
  if (typeof value === 'string' && !checkText(schema, value)) return false;
  if (typeof value === 'number') {
    const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
    if (typeof minimum === 'number' && value < minimum) return false;
    if (typeof maximum === 'number' && value > maximum) return false;
    if (typeof above === 'number' && value <= above) return false;
    if (typeof below === 'number' && value >= below) return false;
  }
  if (Array.isArray(value) && !checkList(schema, value, place, look)) return false;
  if (isSchema(value) && !checkMap(schema, value, place, look)) return false;
  if (isSchema(schema['deferred']) && !check(schema['deferred'], value, place, look)) return false;
  const { anyOf } = schema;
  // As in ajv: no default is taken from a branch.
  const inside = { ...look, fillDefaults: false };
  return !Array.isArray(anyOf) || anyOf.some((branch: Schema) => check(branch, value, place, inside));
}

function checkText({ pattern, format, minLength, maxLength }: Schema, value: string): boolean {
  if (typeof pattern === 'string' && regExp(pattern)?.test(value) !== true) return false;
  if (typeof format === 'string' && FORMATS[format]?.(value) !== true) return false;
  if (minLength === undefined && maxLength === undefined) return true;
  const length = [...value].length;
  return length >= Number(minLength ?? 0) && length <= Number(maxLength ?? Number.POSITIVE_INFINITY);
}

function checkList(schema: Schema, value: readonly unknown[], place: Place | undefined, look: Look): boolean {
  const { items, minItems, maxItems, uniqueItems } = schema;
  if (value.length < Number(minItems ?? 0)) return false;
  if (value.length > Number(maxItems ?? Number.POSITIVE_INFINITY)) return false;
  // Whether two maps are the same is left to ajv.
  if (uniqueItems === true && value.length > 1 && (!value.every(isScalar) || new Set(value).size < value.length))
    return false;
  return !isSchema(items) || value.every((one, index) => check(items, one, { above: place, key: index }, look));
}

function checkMap(schema: Schema, value: Schema, place: Place | undefined, look: Look): boolean {
  const { required, additionalProperties: others, minProperties, maxProperties } = schema;
  const properties = isSchema(schema['properties']) ? schema['properties'] : undefined;
  const patterns = isSchema(schema['patternProperties'])
    ? Object.entries(schema['patternProperties']).filter((one): one is [string, Schema] => isSchema(one[1]))
    : [];
  if (look.fillDefaults && properties !== undefined) fill(properties, value);
  if (Array.isArray(required) && required.some((name: string) => value[name] === undefined)) return false;
  let count = 0;
  for (const key in value) {
    count += 1;
    const known = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const matched = patterns.filter(([pattern]) => regExp(pattern)?.test(key) === true);
    if (!matched.every(([, one]) => check(one, value[key], { above: place, key }, look))) return false;
    const isOther = known === undefined && matched.length === 0;
    if (isOther && others === false) return false;
    const own = isOther ? others : known;
    // A key whose value is undefined counts as none, but for what is not declared.
    if (isSchema(own) && (known === undefined || value[key] !== undefined))
      if (!check(own, value[key], { above: place, key }, look)) return false;
  }
  return count >= Number(minProperties ?? 0) && count <= Number(maxProperties ?? Number.POSITIVE_INFINITY);
}

function fill(properties: Schema, value: object): void {
  for (const [name, property] of Object.entries(properties)) {
    if (!isSchema(property) || property['default'] === undefined || Reflect.get(value, name) !== undefined) continue;
    const { default: given } = property;
    Reflect.set(value, name, typeof given === 'object' ? structuredClone(given) : given);
  }
}

/**
 * True only if the value surely fits; false says nothing. Fills in defaults as ajv does, unless told otherwise.
 * @param secrets takes the JSON pointers of the secrets that the schema allows
 */
export function fits(schema: object, value: unknown, fillDefaults: boolean, secrets: Set<string>): boolean {
  return isSchema(schema) && isUnderstood(schema) && check(schema, value, undefined, { fillDefaults, secrets });
}
