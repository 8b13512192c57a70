import type { HostPlan, PlannedChange } from '../plan/plan.ts';
import type { TextChange } from '../resource/change.ts';
import { diffLines } from './diff.ts';
import { plainStyle } from './style.ts';

/** A change that reads the same on all of these hosts: its fields and the lines of its diffs, not what surrounds them. */
export interface ChangeGroup {
  readonly change: PlannedChange;
  readonly hosts: string[];
}

/** All changes of one part, resource by resource. */
export interface PartGroups {
  readonly part: string;
  readonly groups: readonly ChangeGroup[];
}

/** Larger texts are compared whole: a diff of each, only to find out whether it is the same, would cost seconds. */
const DIFFED_CHARACTERS = 64 * 1024;

/**
 * The changes of a plan by part, identical ones of several hosts as one. Parts and resources come in the order in which
 * they first appear; different changes of one resource stand together.
 */
export function groupChanges(hosts: readonly HostPlan[]): PartGroups[] {
  const parts = new Map<string, Map<string, Map<string, ChangeGroup>>>();
  const diffs = new Map<string, string>();
  const diffOf = (text: TextChange): string =>
    entry(diffs, JSON.stringify(text), () => diffLines(text, { style: plainStyle, full: true }).join('\n'));
  const isLarge = ({ before = '', after = '' }: TextChange) => before.length + after.length > DIFFED_CHARACTERS;
  const keyOf = (change: PlannedChange): string =>
    JSON.stringify({
      ...change,
      texts: change.texts.map((text) => (isLarge(text) ? text : [text.path, diffOf(text)])),
    });
  for (const { host, changes } of hosts) {
    for (const change of changes) {
      const resources = entry(parts, change.part, () => new Map<string, Map<string, ChangeGroup>>());
      const variants = entry(resources, `${change.type} ${change.id}`, () => new Map<string, ChangeGroup>());
      entry(variants, keyOf(change), () => ({ change, hosts: [] as string[] })).hosts.push(host);
    }
  }
  return [...parts].map(([part, resources]) => ({
    part,
    groups: [...resources.values()].flatMap((variants) => [...variants.values()]),
  }));
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let found = map.get(key);
  if (found === undefined) {
    found = make();
    map.set(key, found);
  }
  return found;
}
