import { closest, didYouMean } from '../lib/closest.ts';
import type { Place } from '../model/diagnostic.ts';
import type { RoleAssignment } from '../model/farm.ts';
import { alsoAt, type Checking, report, type Where } from './checking.ts';
import { isMap } from './merge.ts';
import { keyPlace, valuePlace } from './origin.ts';

/** The roles that a tier lists, and the variables that stand in the list. */
export interface TierRoles {
  readonly roles: readonly RoleAssignment[];
  /** Role name and the map of its variables as written. */
  readonly variables: readonly { readonly role: string; readonly written: Record<string, unknown> }[];
}

/** Reads the `roles` of a tier; unknown roles and parts, and roles that stand there twice, are reported. */
export function readRoles(checking: Checking, tier: string, list: unknown): TierRoles {
  const roles: RoleAssignment[] = [];
  const variables: { role: string; written: Record<string, unknown> }[] = [];
  if (!Array.isArray(list)) return { roles, variables };
  const entries: unknown[] = list;
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    if (typeof entry !== 'string' && !isMap(entry)) continue;
    const names = typeof entry === 'string' ? [entry] : Object.keys(entry);
    for (const name of names) {
      const where: Where = typeof entry === 'string' ? { value: [list, index] } : { key: [entry, name] };
      const role = resolveRole(checking, name, where);
      if (role === undefined) continue;
      const part = role === name ? undefined : name;
      const earlier = seen.get(name) ?? seen.get(role) ?? (part === undefined ? firstPart(seen, role) : undefined);
      if (earlier !== undefined) {
        const detail = `Tier ${tier} has role ${name === role ? role : `${role} (${name})`} twice.`;
        const hint = 'Keep one of the two; its variables stand in one map.';
        report(checking, 'role/twice', 'Role twice', detail, where, { hint, ...alsoAt('first here', list, earlier) });
        continue;
      }
      seen.set(name, index);
      const at = placeOf(where);
      roles.push(part === undefined ? { role, at } : { role, part, at });
      const written = isMap(entry) ? entry[name] : undefined;
      if (isMap(written)) variables.push({ role, written });
    }
  }
  return { roles, variables };
}

function firstPart(seen: ReadonlyMap<string, number>, role: string): number | undefined {
  for (const [name, index] of seen) if (name.startsWith(`${role}/`)) return index;
  return undefined;
}

/** The role's name for `nfs` or `nfs/client`, reported where there is none. */
function resolveRole(checking: Checking, name: string, where: Where): string | undefined {
  const { roles } = checking;
  const [roleName = ''] = name.split('/', 1);
  const role = roles.get(roleName);
  const hasSides = role !== undefined && !role.parts.has(roleName);
  if (role !== undefined && (name === roleName || (hasSides && role.parts.has(name)))) return roleName;
  // A map entry with an unknown role or part is an unknown key to the schema, which has reported it.
  if ('key' in where) return undefined;
  if (role !== undefined) {
    const known = [...role.parts.keys()];
    const hint = hasSides
      ? `Its parts are ${known.join(', ')}; "${roleName}" alone lets the role decide.`
      : `Role ${roleName} has no parts: write "${roleName}".`;
    const detail = `Role ${roleName} has no part "${name}".${hasSides ? didYouMean(name, known) : ''}`;
    report(checking, 'role/unknown-part', 'Unknown part', detail, where, { hint });
    return undefined;
  }
  const candidates = [...roles.values()].flatMap((one) => [one.name, ...one.parts.keys()]);
  const near = closest(name, candidates) ?? closest(roleName, roles.keys());
  const suggestion = near === undefined ? '' : ` Did you mean "${near}"?`;
  const hint = `The roles are ${[...roles.keys()].sort().join(', ')}.`;
  const rest = near === undefined ? { hint } : {};
  report(checking, 'role/unknown', 'Unknown role', `There is no role "${name}".${suggestion}`, where, rest);
  return undefined;
}

function placeOf(where: Where): Place {
  const place = 'key' in where ? keyPlace(...where.key) : valuePlace(...where.value);
  return place ?? { file: '', line: 1, column: 1 };
}
