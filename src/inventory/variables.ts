import { didYouMean, quotedList } from '../lib/closest.ts';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { RoleAssignment } from '../model/farm.ts';
import type { RoleDeclaration } from '../model/role-declaration.ts';
import { type Problem, validate } from '../model/validate.ts';
import { type Checking, report } from './checking.ts';
import { isMap } from './merge.ts';
import { valueDiagnostic } from './mistakes.ts';
import { defaultLevel, type LevelMap, type Settings, stackLevels, tierLevel, winners } from './settings.ts';
import { UNREADABLE } from './tags.ts';

/** What the hosts of one tier share, and what one host adds: makes the settings and values of each role. */
export interface TierVariables {
  /** `own`: the host's entry for that role, if it has one. The result is shared between hosts that add nothing. */
  forHost(assignment: RoleAssignment, own: Record<string, unknown> | undefined): RoleValues;
}

/** One role's settings and winning values, defaults filled in and frozen. */
interface RoleValues {
  readonly settings: Settings;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What the farm says around a tier. */
export interface OuterVariables {
  readonly farm: Readonly<Record<string, unknown>>;
  /** Role name and what `-e` says. */
  readonly options: ReadonlyMap<string, LevelMap>;
  /** Roles of which a level is wrong already: of their values only what is missing is reported. */
  readonly brokenRoles: ReadonlySet<string>;
  readonly checksValues: boolean;
}

/** Prepares the variables of one tier: `maps` are the tier's own words by role. */
export function tierVariables(
  checking: Checking,
  outer: OuterVariables,
  tier: string,
  maps: readonly { readonly role: string; readonly written: Record<string, unknown> }[],
): TierVariables {
  const levels = new Map<string, readonly LevelMap[]>();
  const shared = new Map<string, RoleValues>();
  const reported = new Set<string>();

  const levelsOf = (role: RoleDeclaration): readonly LevelMap[] => {
    let known = levels.get(role.name);
    if (known === undefined) {
      const farm = outer.farm[role.name];
      const own = maps.filter((one) => one.role === role.name).map((one) => one.written);
      known = [
        defaultLevel(role.variables.properties),
        ...(isMap(farm) ? [{ level: 'farm' as const, written: farm }] : []),
        ...tierLevel(checking, tier, role.name, own),
      ];
      levels.set(role.name, known);
    }
    return known;
  };

  const build = (role: RoleDeclaration, assignment: RoleAssignment, own: Record<string, unknown> | undefined) => {
    const option = outer.options.get(role.name);
    const settings = stackLevels([
      ...levelsOf(role),
      ...(own === undefined ? [] : [{ level: 'host' as const, written: own }]),
      ...(option === undefined ? [] : [option]),
    ]);
    const values = copied(winners(settings));
    const problems = outer.checksValues ? validate(role.variables, values, { refuseStraySecrets: true }) : [];
    for (const found of problems) {
      const diagnostic = valuesDiagnostic(outer, role, assignment, settings, found);
      if (diagnostic === undefined) continue;
      const key = JSON.stringify([diagnostic.detail, diagnostic.at]);
      if (!reported.has(key)) checking.diagnostics.push(diagnostic);
      reported.add(key);
    }
    return { settings, variables: frozen(values) };
  };

  return {
    forHost(assignment, own) {
      const role = checking.roles.get(assignment.role);
      if (role === undefined) return { settings: new Map(), variables: {} };
      if (own !== undefined) return build(role, assignment, own);
      let values = shared.get(role.name);
      if (values === undefined) {
        values = build(role, assignment, undefined);
        shared.set(role.name, values);
      }
      return values;
    },
  };
}

function valuesDiagnostic(
  outer: OuterVariables,
  role: RoleDeclaration,
  assignment: RoleAssignment,
  settings: Settings,
  found: Problem,
): Diagnostic | undefined {
  if (found.value === UNREADABLE) return undefined;
  if (found.keyword === 'required' && found.path.length === 0) {
    const name = String(found.params['missingProperty']);
    const description = role.variables.properties[name];
    const text =
      isMap(description) && typeof description['description'] === 'string' ? description['description'] : undefined;
    const detail = `Role ${role.name} needs "${name}", and no level sets it.`;
    const hint = `Set it for the farm, the tier or the host: ${role.name}: { ${name}: … }.${text === undefined ? '' : ` ${text}`}`;
    return problem('variables/missing', 'Missing variable', detail, { at: assignment.at, hint });
  }
  if (outer.brokenRoles.has(role.name)) return undefined;
  const at = settings.get(found.path[0] ?? '')?.[0]?.at ?? assignment.at;
  return valueDiagnostic({ name: `Role ${role.name}`, rest: found.path, kind: 'role' }, found, undefined, at);
}

/** Reports variables for roles that nobody has: they are spelt right and have no effect. */
export function reportUnused(checking: Checking, present: ReadonlySet<string>, map: unknown, who: string): void {
  if (!isMap(map)) return;
  for (const role of Object.keys(map)) {
    if (present.has(role) || !checking.roles.has(role)) continue;
    const detail = `Variables of role ${role} are set here, and ${who}.${didYouMean(role, present)}`;
    const hint = present.size === 0 ? undefined : `Roles there: ${quotedList([...present])}.`;
    const rest = { severity: 'warning' as const, ...(hint !== undefined && { hint }) };
    report(checking, 'variables/unused', 'Variables without effect', detail, { key: [map, role] }, rest);
  }
}

/** A copy down to the leaves, so that filled-in defaults do not appear in what the user wrote. */
function copied<T>(value: T): T;
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => copied(one));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, copied(entry)]));
}

function frozen<T extends object>(value: T): T {
  for (const entry of Object.values(value)) if (Array.isArray(entry) || isMap(entry)) frozen(entry);
  return Object.freeze(value);
}
