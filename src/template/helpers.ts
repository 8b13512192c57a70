import { formatAddress, parseAddress, parseCidr } from '../model/address.ts';
import { holdsSecret, revealText } from '../model/secret.ts';

/** A helper that a template may call; it gets what the template wrote and returns what is printed or asked. */
export interface Helper {
  readonly arguments: readonly [fewest: number, most: number];
  readonly run: (...values: unknown[]) => unknown;
  /** For the reference page. */
  readonly summary: string;
}

/** Thrown by a helper that cannot use its arguments: a clause that follows the helper's name. */
export class HelperRefusal extends Error {}

const BANNER = 'Managed by farmctl: what is changed here is lost at the next apply.';

function refuse(reason: string): never {
  throw new HelperRefusal(reason);
}

/** What may be printed: text, numbers, true and false. */
export function printableText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return refuse('was given an empty value');
  return refuse(Array.isArray(value) ? 'was given a list' : 'was given a map');
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse('needs a list');
}

/**
 * Quotes a text. A secret is quoted before its value is known to the text, so one whose value would have to be quoted
 * differently is refused rather than written wrongly.
 */
function quoted(value: unknown, quote: (text: string) => string): string {
  const text = printableText(value);
  const result = quote(text);
  if (holdsSecret(text) && revealText(result) !== quote(revealText(text))) {
    refuse('was given a secret that holds a quote, a backslash or a line break');
  }
  return result;
}

function quoteConf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u0008\u000a-\u001f]/.test(text)) refuse('was given a text with a line break or control character');
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function cidrOf(value: unknown) {
  const text = printableText(value);
  const parsed = parseCidr(text);
  return 'value' in parsed ? parsed.value : refuse(`was given "${text}", which ${parsed.reason}`);
}

function maskOf(prefix: number): string {
  const bits = '1'.repeat(prefix).padEnd(32, '0');
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.');
}

/** All helpers. Each is a pure function of its arguments. */
export const helpers: Readonly<Record<string, Helper>> = {
  join: {
    arguments: [1, 2],
    summary: '`{{join list ", "}}`: the entries with that between them (a space by default).',
    run: (list, between = ' ') => listOf(list).map(printableText).join(printableText(between)),
  },
  default: {
    arguments: [2, 2],
    summary: '`{{default value "x"}}`: the value, or the other where it is null.',
    run: (value, other) => value ?? other,
  },
  eq: { arguments: [2, 2], summary: '`{{#if (eq a b)}}`: both are the same.', run: (a, b) => a === b },
  ne: { arguments: [2, 2], summary: '`{{#if (ne a b)}}`: they differ.', run: (a, b) => a !== b },
  and: { arguments: [2, 9], summary: '`{{#if (and a b)}}`: all are true.', run: (...all) => all.every(isTrue) },
  or: { arguments: [2, 9], summary: '`{{#if (or a b)}}`: one at least is true.', run: (...all) => all.some(isTrue) },
  not: {
    arguments: [1, 1],
    summary: '`{{#if (not a)}}`: it is false, null, 0, empty.',
    run: (value) => !isTrue(value),
  },
  includes: {
    arguments: [2, 2],
    summary: '`{{#if (includes list value)}}`: the list has that entry.',
    run: (list, value) => listOf(list).includes(value),
  },
  json: {
    arguments: [1, 2],
    summary: '`{{json value}}`, `{{json value 2}}` for an indented one.',
    run: (value, indent = 0) => {
      const text = JSON.stringify(value, undefined, Number(indent));
      const isWhole =
        !holdsSecret(text) || revealText(text) === JSON.stringify(JSON.parse(text), secretsRevealed, Number(indent));
      return isWhole ? text : refuse('was given a secret that holds a quote, a backslash or a line break');
    },
  },
  indent: {
    arguments: [2, 2],
    summary: '`{{indent text 4}}`: every line but the first begins with so many spaces.',
    run: (text, width) => printableText(text).replaceAll('\n', `\n${' '.repeat(Number(width))}`),
  },
  'quote-sh': {
    arguments: [1, 1],
    summary: '`{{quote-sh text}}`: one word for a shell.',
    run: (value) => quoted(value, (text) => `'${text.replaceAll("'", "'\\''")}'`),
  },
  'quote-conf': {
    arguments: [1, 1],
    summary: '`{{quote-conf text}}`: in double quotes, `"` and `\\` behind a backslash; line breaks are refused.',
    run: (value) => quoted(value, quoteConf),
  },
  'cidr-address': {
    arguments: [1, 1],
    summary: '`{{cidr-address network}}`: `10.77.0.0` of 10.77.0.0/24.',
    run: (value) => formatAddress(cidrOf(value).base),
  },
  'cidr-prefix': {
    arguments: [1, 1],
    summary: '`{{cidr-prefix network}}`: `24` of 10.77.0.0/24.',
    run: (value) => cidrOf(value).prefix,
  },
  'cidr-netmask': {
    arguments: [1, 1],
    summary: '`{{cidr-netmask network}}`: `255.255.255.0` of 10.77.0.0/24.',
    run: (value) => maskOf(cidrOf(value).prefix),
  },
  'reverse-address': {
    arguments: [1, 1],
    summary: '`{{reverse-address address}}`: `21.0.77.10.in-addr.arpa` of 10.77.0.21.',
    run: (value) => {
      const text = printableText(value);
      const parsed = parseAddress(text);
      if ('reason' in parsed) refuse(`was given "${text}", which ${parsed.reason}`);
      return `${text.split('.').reverse().join('.')}.in-addr.arpa`;
    },
  },
  'managed-banner': {
    arguments: [0, 1],
    summary: '`{{managed-banner}}`, `{{managed-banner "//"}}`: the comment that says who writes this file.',
    run: (comment = '#') => `${printableText(comment)} ${BANNER}`,
  },
};

/** Names that may be called: as `{{name x}}` or `(name x)`. */
export function isHelper(name: string | undefined): name is string {
  return name !== undefined && (name === 'lookup' || Object.hasOwn(helpers, name));
}

/** As Handlebars' `if` sees it: empty lists are false. */
function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function secretsRevealed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? revealText(value) : value;
}
