import type { Place } from '../model/diagnostic.ts';
import type { Level, Setting } from '../model/farm.ts';
import { alsoAt, type Checking, report } from './checking.ts';
import { isMap } from './merge.ts';
import { innerPlace, keyPlace } from './origin.ts';

/** What the levels say on each variable of a role (or key of `ssh` and `become`), the winner first. */
export type Settings = ReadonlyMap<string, readonly Setting[]>;

/** What one level says: the map as written. */
export interface LevelMap {
  readonly level: Level;
  readonly written: Readonly<Record<string, unknown>>;
}

/** Puts levels in order: `levels` from the outermost to the innermost. A later level wins per key. */
export function stackLevels(levels: readonly LevelMap[]): Settings {
  const settings = new Map<string, Setting[]>();
  for (const { level, written } of levels) {
    for (const [key, value] of Object.entries(written)) {
      const at: Place | undefined = keyPlace(written, key);
      const placeInside = (path: readonly (string | number)[]) => innerPlace(value, path);
      const setting: Setting = at === undefined ? { level, value } : { level, value, at, placeInside };
      const present = settings.get(key);
      if (present === undefined) settings.set(key, [setting]);
      else present.unshift(setting);
    }
  }
  return settings;
}

/** The winning values. */
export function winners(settings: Settings): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, [winner]] of settings) if (winner !== undefined) values[key] = winner.value;
  return values;
}

/** The defaults of a role's schema as the outermost level. */
export function defaultLevel(properties: Readonly<Record<string, unknown>>): LevelMap {
  const written: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (isMap(schema) && Object.hasOwn(schema, 'default')) written[name] = schema['default'];
  }
  return { level: 'default', written };
}

/** The maps of one tier on one role; a variable that stands in two of them is reported. */
export function tierLevel(
  checking: Checking,
  tier: string,
  role: string,
  maps: readonly Record<string, unknown>[],
): readonly LevelMap[] {
  const seen = new Map<string, object>();
  for (const map of maps) {
    for (const name of Object.keys(map)) {
      const earlier = seen.get(name);
      if (earlier !== undefined) {
        const detail = `Tier ${tier} sets ${role}.${name} twice.`;
        const rest = { hint: 'Keep one of the two.', ...alsoAt('first here', earlier, name) };
        report(checking, 'inventory/duplicate-variable', 'Duplicate variable', detail, { key: [map, name] }, rest);
      }
      seen.set(name, map);
    }
  }
  return maps.map((written) => ({ level: 'tier', written }));
}
