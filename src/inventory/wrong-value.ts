import { didYouMean, quotedList } from '../lib/closest.ts';
import { parseAddress, parseCidr } from '../model/address.ts';
import { Secret } from '../model/secret.ts';
import type { Problem } from '../model/validate.ts';

/** Why a value is wrong, to be put after its name. */
export interface Explained {
  readonly sentence: string;
  /** ` Did you mean …?`, after the sentence. */
  readonly suggestion?: string;
  readonly hint?: string;
  readonly kind: 'wrong-type' | 'wrong-value';
}

/** Puts a schema's problem with a value into words; `said` is how the value was written, where it was plain text. */
export function explainValue(found: Problem, said: string | undefined): Explained {
  const { keyword, params, schema, value } = found;
  const limit = String(params['limit']);
  const wrong = (sentence: string, hint?: string): Explained => ({
    sentence,
    kind: 'wrong-value',
    ...(hint !== undefined && { hint }),
  });
  const expectation = typeof schema['description'] === 'string' ? schema['description'] : undefined;
  switch (keyword) {
    case 'type':
      return explainType(schema['type'], value, said);
    case 'secret':
      // What stands there was meant to be secret: from here on it is masked wherever it would be shown.
      if (typeof value === 'string' || typeof value === 'number') new Secret(String(value), 'the inventory');
      return wrong('is a secret, and stands in the inventory as it is', 'Use !file PATH or !env NAME.');
    case 'stray-secret':
      return wrong('is no secret, and !file and !env make one', 'Use !text PATH for the text of a file.');
    case 'enum': {
      const allowed = (Array.isArray(params['allowedValues']) ? params['allowedValues'] : []).map(String);
      const suggestion = didYouMean(String(value), allowed);
      return { ...wrong(`must be one of ${quotedList(allowed)}, not ${shown(value)}`), suggestion };
    }
    case 'const':
      return wrong(`must be ${shown(params['allowedValue'])}, not ${shown(value)}`);
    case 'format': {
      const parsed = schema['format'] === 'ipv4-network' ? parseCidr(String(value)) : parseAddress(String(value));
      return wrong(`cannot be "${String(value)}": it ${'reason' in parsed ? parsed.reason : 'has another form'}`);
    }
    case 'pattern':
      return wrong(`cannot be ${shown(value)}`, expectation ?? `It must match ${String(params['pattern'])}.`);
    case 'minimum':
      return wrong(`must be at least ${limit}, not ${shown(value)}`);
    case 'maximum':
      return wrong(`must be at most ${limit}, not ${shown(value)}`);
    case 'exclusiveMinimum':
      return wrong(`must be more than ${limit}, not ${shown(value)}`);
    case 'exclusiveMaximum':
      return wrong(`must be less than ${limit}, not ${shown(value)}`);
    case 'minLength':
      return wrong(limit === '1' ? 'must not be empty' : `must have at least ${limit} characters`);
    case 'maxLength':
      return wrong(`must have at most ${limit} characters`);
    case 'minItems':
    case 'maxItems':
      return wrong(itemsSentence(schema, keyword, limit), expectation);
    case 'uniqueItems':
      return wrong('names the same entry twice');
    case 'minProperties':
      return wrong(limit === '1' ? 'must not be empty' : `must have at least ${limit} entries`, expectation);
    case 'maxProperties':
      return wrong(`must have at most ${limit} ${limit === '1' ? 'entry' : 'entries'}`, expectation);
    case 'anyOf':
    case 'oneOf':
      return wrong(`cannot be ${shown(value)}`, expectation);
    default:
      return wrong(found.message, expectation);
  }
}

function itemsSentence(schema: Readonly<Record<string, unknown>>, keyword: string, limit: string): string {
  const noun = limit === '1' ? 'entry' : 'entries';
  if (schema['minItems'] === schema['maxItems']) return `must have exactly ${limit} ${noun}`;
  return `must have at ${keyword === 'minItems' ? 'least' : 'most'} ${limit} ${noun}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'null',
};

function explainType(type: unknown, value: unknown, said: string | undefined): Explained {
  const types = (Array.isArray(type) ? type : [type]).map(String);
  const words = types.map((one) => TYPE_WORDS[one] ?? one).join(' or ');
  const kind = 'wrong-type';
  const sentence = `must be ${words}, not ${shown(value)}`;
  const hint = typeHint(types, value, said);
  return { sentence, kind, ...(hint !== undefined && { hint }) };
}

function typeHint(types: readonly string[], value: unknown, said: string | undefined): string | undefined {
  const takes = (type: string) => types.includes(type);
  if (takes('boolean') && typeof value === 'string' && /^(y|yes|on|n|no|off)$/i.test(value)) {
    return `YAML 1.2 knows true and false only: write ${/^(y|yes|on)$/i.test(value) ? 'true' : 'false'}.`;
  }
  if (types.length === 1 && takes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return `YAML reads it as ${typeof value === 'number' ? 'a number' : 'true or false'}: put it in quotes, "${said ?? value}".`;
  }
  if ((takes('integer') || takes('number')) && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) {
    return `Write it without quotes: ${value}.`;
  }
  if (takes('integer') && typeof value === 'number') return undefined;
  if (takes('array') && value !== null && typeof value !== 'object')
    return `Write a list: [${said ?? JSON.stringify(value)}].`;
  return undefined;
}

/** A value as a message names it. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (typeof value === 'string') {
    const text = value.length > 40 ? `${value.slice(0, 40)}…` : value;
    return `the text ${JSON.stringify(text)}`;
  }
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Secret) return 'a secret';
  return Array.isArray(value) ? 'a list' : 'a map';
}
