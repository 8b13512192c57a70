import tab from '@bomb.sh/tab/commander';
import { hasErrors } from '../model/diagnostic.ts';
import { createProgram } from './program.ts';
import { inventorySource, projectDirectory, readProject } from './project.ts';
import { knownTags } from './selection.ts';
import type { Terminal } from './terminal.ts';

/** Words that can only be offered once the project was read, by option. */
type Words = Readonly<Record<string, readonly string[]>>;

const NO_WORDS: Words = {};

/**
 * Answers the shell's question what may follow: `farmctl complete -- WORDS`. Nothing is offered where the inventory
 * cannot be read; no message may disturb the line that is being typed.
 */
export async function complete(words: readonly string[], terminal: Terminal): Promise<void> {
  const quiet: Terminal = { ...terminal, out: () => undefined, err: () => undefined };
  const program = createProgram(quiet, () => Promise.resolve(), { withCompletion: false });
  // The types of the program know each option, which is more than the adapter wants to know.
  const root = tab(program as unknown as Parameters<typeof tab>[0], { completionCommandName: 'completion' });
  const asked = optionOf(words);
  const offered = asked === undefined && words[0] !== 'roles' ? NO_WORDS : await projectWords(words, asked, quiet);
  const current = words.at(-1) ?? '';
  for (const command of root.commands.values()) {
    for (const [name, candidates] of Object.entries(offered)) {
      const option = command.options.get(name);
      if (option === undefined) continue;
      option.handler = (offer) => {
        for (const word of candidates) offer(listed(name, current, word), '');
      };
    }
  }
  const roles = root.commands.get('roles')?.arguments.get('name');
  if (roles !== undefined) {
    roles.handler = (offer) => {
      for (const word of offered['roles'] ?? []) offer(word, '');
    };
  }
  root.parse([...words]);
}

const DYNAMIC: Readonly<Record<string, string>> = {
  '-l': 'limit',
  '--limit': 'limit',
  '--exclude': 'exclude',
  '-t': 'tags',
  '--tags': 'tags',
  '--skip-tags': 'skip-tags',
  '--host': 'host',
  '-i': 'inventory',
  '--inventory': 'inventory',
};

/** The option whose value is being typed, if it is one of those that need the project. */
function optionOf(words: readonly string[]): string | undefined {
  const current = words.at(-1) ?? '';
  if (current.includes('=')) return DYNAMIC[current.split('=', 1)[0] ?? ''];
  return DYNAMIC[words.at(-2) ?? ''];
}

/** `app:&we` offers `app:&web`: what was typed before the last term stays. */
function listed(option: string, current: string, word: string): string {
  if (!['limit', 'exclude', 'tags', 'skip-tags'].includes(option)) return word;
  const typed = current.includes('=') ? current.slice(current.indexOf('=') + 1) : current;
  const separators = option === 'limit' || option === 'exclude' ? /^.*[,:][&!]?|^[&!]/ : /^.*,/;
  return (separators.exec(typed)?.[0] ?? '') + word;
}

async function projectWords(words: readonly string[], asked: string | undefined, terminal: Terminal): Promise<Words> {
  const at = words.findLastIndex(
    (word, index) => index < words.length - 2 && (word === '-i' || word === '--inventory'),
  );
  const inventory = at === -1 ? undefined : words[at + 1];
  if (asked === 'inventory') return { inventory: await inventoryNames(terminal) };
  try {
    if (inventorySource(inventory, terminal) === '-') return NO_WORDS;
    const { farm, roles, diagnostics } = await readProject({ inventory, extraVars: [], verbose: 0 }, terminal, {
      checksValues: false,
    });
    if (farm === undefined || hasErrors(diagnostics)) return { roles: [...roles.keys()] };
    const hosts = [...farm.hosts.keys()];
    const tags = [...knownTags(farm, roles)];
    const patterns = ['all', ...farm.tiers.keys(), ...tags, ...hosts];
    return { limit: patterns, exclude: patterns, tags, 'skip-tags': tags, host: hosts, roles: [...roles.keys()] };
  } catch {
    // Whatever is wrong is said by the command itself; a half-typed line is no place for it.
    return NO_WORDS;
  }
}

async function inventoryNames(terminal: Terminal): Promise<readonly string[]> {
  const { readdir } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const folder = projectDirectory('-', terminal.directory);
  if (folder === undefined) return [];
  const names = await readdir(join(folder, 'inventories')).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).map((name) => name.replace(/\.ya?ml$/, ''));
}
