import { closest } from '../lib/closest.ts';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { Farm, Host } from '../model/farm.ts';
import { expandHostNames } from './names.ts';

/** The hosts that a pattern selects. */
export interface Selection {
  /** Names in the order of the inventory; empty where a diagnostic was made. */
  readonly hosts: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface SelectOptions {
  /** The full names of the parts of a host, where a role has decided them; else those that the tiers name. */
  readonly partsOf?: (host: string) => readonly string[];
  /** A pattern of hosts to be left out, `--exclude`. */
  readonly exclude?: string;
}

interface Term {
  readonly sign: '' | '&' | '!';
  readonly word: string;
}

/**
 * The hosts that a pattern of `-l` stands for. Terms are joined by `:` or `,`; first all plain ones are added up, then
 * those with `&` narrow the set down, then those with `!` are taken off. A term is the name of a host, tier, role or
 * part, `all`, a glob (`app*`, `app[12]`), a range (`app[1:3]`) or a regular expression (`~^app\d$`).
 * A term that stands for no host is an error: a misspelt name must never select everything, nor nothing.
 */
export function selectHosts(farm: Farm, pattern: string, options: SelectOptions = {}): Selection {
  const words: Words = { farm, hosts: index(farm, options.partsOf), diagnostics: [] };
  const { diagnostics } = words;
  let selected = evaluate(pattern, '-l', words);
  if (options.exclude !== undefined) {
    const excluded = evaluate(options.exclude, '--exclude', words);
    selected = without(selected, excluded);
  }
  if (diagnostics.length === 0 && selected.size === 0) {
    const shown = options.exclude === undefined ? pattern : `${pattern}" without "${options.exclude}`;
    const detail = `No host is left of "${shown}".`;
    const hint = 'See what each term stands for with --list-hosts.';
    diagnostics.push(problem('selection/empty', 'No host selected', detail, { hint }));
  }
  if (diagnostics.length > 0) return { hosts: [], diagnostics };
  return { hosts: [...farm.hosts.keys()].filter((name) => selected.has(name)), diagnostics };
}

interface Words {
  readonly farm: Farm;
  /** Hosts by every word that stands for some; the name of a tier and of a role at once means both. */
  readonly hosts: ReadonlyMap<string, ReadonlySet<string>>;
  readonly diagnostics: Diagnostic[];
}

function index(farm: Farm, partsOf: SelectOptions['partsOf']): Words['hosts'] {
  const names = new Map<string, Set<string>>();
  const add = (word: string, host: string) => {
    const hosts = names.get(word);
    if (hosts === undefined) names.set(word, new Set([host]));
    else hosts.add(host);
  };
  for (const host of farm.hosts.values()) {
    add('all', host.name);
    add(host.name, host.name);
    add(host.tier, host.name);
    for (const word of rolesAndParts(host, partsOf)) add(word, host.name);
  }
  return names;
}

function rolesAndParts(host: Host, partsOf: SelectOptions['partsOf']): ReadonlySet<string> {
  const written = host.roles.flatMap(({ role, part }) => (part === undefined ? [role] : [role, part]));
  return new Set([...written, ...(partsOf?.(host.name) ?? [])]);
}

function evaluate(pattern: string, option: string, words: Words): ReadonlySet<string> {
  const terms = splitPattern(pattern).map(readTerm);
  if (terms.some(({ word }) => word === '')) {
    const detail =
      pattern.trim() === ''
        ? `The pattern of ${option} is empty.`
        : `The pattern "${pattern}" of ${option} has an empty term.`;
    const hint = 'Write names joined by ":" or ",", such as app:&web:!app3; "all" is every host.';
    words.diagnostics.push(problem('selection/empty-term', 'Empty pattern', detail, { hint }));
    return new Set();
  }
  const found = terms.map((term) => ({ ...term, hosts: matching(term.word, option, words) }));
  const plain = found.filter(({ sign }) => sign === '');
  const all = words.hosts.get('all') ?? new Set<string>();
  let selected: ReadonlySet<string> = plain.length === 0 ? all : new Set(plain.flatMap(({ hosts }) => [...hosts]));
  for (const { sign, hosts } of found) if (sign === '&') selected = both(selected, hosts);
  for (const { sign, hosts } of found) if (sign === '!') selected = without(selected, hosts);
  return selected;
}

const both = (a: ReadonlySet<string>, b: ReadonlySet<string>) => new Set([...a].filter((one) => b.has(one)));
const without = (a: ReadonlySet<string>, b: ReadonlySet<string>) => new Set([...a].filter((one) => !b.has(one)));

/** At `:` and `,` outside of brackets: `app[1:3]` and `~(a|b){1,2}` are one term each. */
export function splitPattern(pattern: string): readonly string[] {
  const terms: string[] = [];
  let depth = 0;
  let term = '';
  for (const letter of pattern) {
    if ('[({'.includes(letter)) depth++;
    else if ('])}'.includes(letter)) depth = Math.max(0, depth - 1);
    if (depth === 0 && (letter === ':' || letter === ',')) {
      terms.push(term);
      term = '';
    } else term += letter;
  }
  terms.push(term);
  return terms.map((one) => one.trim());
}

function readTerm(text: string): Term {
  const sign = text.startsWith('&') ? '&' : text.startsWith('!') ? '!' : '';
  return { sign, word: text.slice(sign.length).trim() };
}

function matching(word: string, option: string, words: Words): ReadonlySet<string> {
  const { farm, hosts: known, diagnostics } = words;
  const exact = known.get(word);
  if (exact !== undefined) return exact;
  const fail = (detail: string, hint?: string) => {
    diagnostics.push(
      problem('selection/no-match', 'Pattern matches no host', `${option}: ${detail}`, hint ? { hint } : {}),
    );
    return new Set<string>();
  };
  if (farm.tiers.has(word)) return fail(`tier ${word} has no hosts.`);
  if (word.startsWith('@'))
    return fail(`files of patterns ("${word}") are not supported.`, 'Name hosts, tiers or roles.');
  const test = wordTest(word);
  if (typeof test === 'string') return fail(test);
  if (test === undefined) {
    const near = closest(word, known.keys());
    if (near !== undefined) return fail(`there is no host, tier, role or part "${word}". Did you mean "${near}"?`);
    return fail(`there is no host, tier, role or part "${word}".`, listWords(words));
  }
  // Only hosts and tiers: `b*` must not select the whole farm because every host has the role base.
  const found = new Set<string>();
  for (const host of farm.hosts.keys()) if (test(host)) found.add(host);
  for (const tier of farm.tiers.values()) if (test(tier.name)) for (const host of tier.hosts) found.add(host);
  return found.size > 0 ? found : fail(`no host or tier matches "${word}".`, listWords(words));
}

function listWords({ farm, hosts }: Words): string {
  const several = [...hosts.keys()].filter((name) => !farm.hosts.has(name)).sort();
  return `The words for several hosts are ${several.join(', ')}.`;
}

/** What decides whether a name matches; a text says why the word is malformed; undefined for a plain word. */
function wordTest(word: string): ((name: string) => boolean) | string | undefined {
  if (word.startsWith('~')) {
    try {
      const expression = new RegExp(word.slice(1), 'u');
      return (name) => expression.test(name);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return `"${word}" is not a regular expression: ${error.message}.`;
    }
  }
  if (/\[\d+:\d+\]/.test(word)) {
    const range = expandHostNames(word);
    if ('reason' in range) return `the range "${word}" ${range.reason}.`;
    const wanted = new Set(range.names);
    return (name) => wanted.has(name);
  }
  if (!/[*?[]/.test(word)) return undefined;
  const expression = globExpression(word);
  return expression === undefined ? `the brackets of "${word}" are not closed.` : (name) => expression.test(name);
}

/** `*`, `?`, `[12]`, `[a-c]`, `[!x]` as in a shell; undefined for a bracket that is not closed. */
function globExpression(glob: string): RegExp | undefined {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const letter = glob.charAt(at);
    if (letter === '*') source += '.*';
    else if (letter === '?') source += '.';
    else if (letter !== '[') source += letter.replace(/[\\^$.|+(){}\]/-]/, '\\$&');
    else {
      const end = glob.indexOf(']', at + 2);
      if (end === -1) return undefined;
      source += characterClass(glob.slice(at + 1, end));
      at = end;
    }
  }
  return new RegExp(`^${source}$`);
}

function characterClass(inside: string): string {
  const isNegated = inside.startsWith('!') || inside.startsWith('^');
  const letters = (isNegated ? inside.slice(1) : inside).replace(/[\\\]^]/g, '\\$&');
  // A range that counts down, such as [3-1], would not compile: in a shell it matches nothing.
  const isBackwards = [...letters.matchAll(/(.)-(.)/g)].some(([, from = '', to = '']) => from > to);
  return isBackwards ? '(?!)' : `[${isNegated ? '^' : ''}${letters}]`;
}
