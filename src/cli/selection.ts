import { selectHosts } from '../inventory/pattern.ts';
import { didYouMean } from '../lib/closest.ts';
import { FarmError, problem } from '../model/diagnostic.ts';
import type { Farm } from '../model/farm.ts';
import type { Role } from '../role/define.ts';
import { resolveFarm } from '../role/view.ts';
import type { SelectionFlags, TagFlags } from './options.ts';

/**
 * The hosts that `-l` and `--exclude` leave, in the order of the inventory.
 * @throws FarmError where a pattern selects nothing: never everything, never silently nothing
 */
export function selectedHosts(
  farm: Farm,
  roles: ReadonlyMap<string, Role>,
  flags: Pick<SelectionFlags, 'limit' | 'exclude'>,
): readonly string[] {
  const pattern = flags.limit.length === 0 ? 'all' : flags.limit.join(',');
  const resolved = resolveFarm(farm, roles);
  const partsOf = (host: string) => resolved.partsOf(host).map(({ part }) => part);
  const exclude = flags.exclude.length === 0 ? {} : { exclude: flags.exclude.join(',') };
  const { hosts, diagnostics } = selectHosts(farm, pattern, { partsOf, ...exclude });
  if (diagnostics.length > 0) throw new FarmError(diagnostics);
  return hosts;
}

/**
 * Refuses tags that no role in the farm has: a misspelt one must not select nothing, or skip nothing.
 * @throws FarmError naming each wrong tag
 */
export function checkTags(farm: Farm, roles: ReadonlyMap<string, Role>, flags: TagFlags): void {
  const known = knownTags(farm, roles);
  const given = [
    ...flags.tags.map((tag) => ({ tag, option: '--tags' })),
    ...flags.skipTags.map((tag) => ({ tag, option: '--skip-tags' })),
  ];
  const problems = given
    .filter(({ tag }) => !known.has(tag))
    .map(({ tag, option }) => {
      const detail =
        tag === ''
          ? `${option} has an empty tag.`
          : `${option} names "${tag}", which is no role, part or tag in this farm.${didYouMean(tag, known)}`;
      return problem('cli/unknown-tag', 'Unknown tag', detail, { hint: `This farm has: ${[...known].join(', ')}.` });
    });
  if (problems.length > 0) throw new FarmError(problems);
}

/** Roles, parts and declared tags of everything that the farm's hosts have. */
export function knownTags(farm: Farm, roles: ReadonlyMap<string, Role>): ReadonlySet<string> {
  const known = new Set<string>();
  for (const host of farm.hosts.values()) {
    for (const { role: name } of host.roles) {
      const role = roles.get(name);
      if (role === undefined || known.has(name)) continue;
      known.add(name);
      for (const word of [...role.parts.keys(), ...role.tags]) known.add(word);
    }
  }
  return known;
}
