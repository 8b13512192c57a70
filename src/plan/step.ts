import type { Difference } from '../resource/change.ts';
import type { Effect, Member, Observed, Resource } from '../resource/define.ts';
import { resourceKey, withMembers } from './desired.ts';
import type { ManifestEntry } from './manifest.ts';
import type { Seen } from './observe.ts';
import type { PlannedChange } from './plan.ts';

/** A planned change with what it takes to make it. Never leaves the process. */
export interface Step {
  readonly part: string;
  /** From the role, or rebuilt from the manifest for a removal. */
  readonly resource: Resource;
  readonly isRemoval: boolean;
  /** Things of the resource's set that the manifest lists and nobody wants any more. */
  readonly unwanted: readonly Resource[];
  /** Manifest entries to be written before and dropped after. */
  readonly entries: readonly ManifestEntry[];
  readonly observed: Observed<unknown>;
  readonly seen: ReadonlyMap<string, Seen>;
  readonly change: PlannedChange;
  /** Undefined while the resource is unknown: it is probed and diffed again at apply. */
  readonly effect: Effect | undefined;
  /** Only its files are made, ahead of its process: see `filesFirst` of a part. */
  readonly goesAhead?: boolean;
}

/** All that is probed for a step. */
export function probedBy(step: Pick<Step, 'resource' | 'unwanted'>): readonly Resource[] {
  return [step.resource, ...step.unwanted];
}

/** What is now known of a resource: nothing to do, a change with its effect, or why it is not known. */
export type Assessment =
  | { readonly kind: 'as-desired' }
  | { readonly kind: 'change'; readonly difference: Difference; readonly effect: Effect }
  | { readonly kind: 'unknown'; readonly reason: string; readonly elseAsDesired: boolean }
  | { readonly kind: 'stays'; readonly reason: string };

function knownValue(observed: Observed<unknown>): unknown {
  if (observed.state === 'unknown') return observed.removable?.value;
  return observed.state === 'known' ? observed.value : undefined;
}

/** Compares desired with observed, members included. Pure. */
export function assess(
  resource: Resource,
  unwanted: readonly Resource[],
  isRemoval: boolean,
  seen: ReadonlyMap<string, Seen>,
): Assessment {
  const look = (one: Resource): Observed<unknown> =>
    seen.get(resourceKey(one))?.observed ?? { state: 'unknown', reason: 'it was not probed' };
  const observed = look(resource);
  if (observed.state === 'unknown' && !isRemoval)
    return { kind: 'unknown', reason: observed.reason, elseAsDesired: observed.elseAsDesired ?? false };
  const inside = isRemoval ? [] : withMembers(resource).slice(1);
  const members: Member[] = [
    ...inside.map((one) => ({ resource: one, observed: look(one), unwanted: false })),
    ...unwanted.map((one) => ({ resource: one, observed: look(one), unwanted: true })),
  ];
  for (const { resource: member, observed: state, unwanted: leaves } of members)
    if (state.state === 'unknown' && !leaves && !isRemoval)
      return { kind: 'unknown', reason: `${member.id}: ${state.reason}`, elseAsDesired: false };
  if (isRemoval) {
    if (observed.state === 'unknown' && observed.removable === undefined)
      return { kind: 'stays', reason: observed.reason };
    const removal = resource.type.remove(resource.desired, knownValue(observed), members);
    if (removal.kind === 'gone') return { kind: 'as-desired' };
    if (removal.kind === 'stays') return removal;
    return { kind: 'change', difference: removal.difference, effect: takenAway(removal.effect) };
  }
  const difference = resource.type.diff(resource.desired, knownValue(observed), members);
  if (difference === undefined) return { kind: 'as-desired' };
  return { kind: 'change', difference, effect: resource.type.apply(resource.desired, knownValue(observed), members) };
}

/** In a removal, what is made absent was ours: the original comes back. */
function takenAway(effect: Effect): Effect {
  if (effect.files === undefined) return effect;
  return {
    ...effect,
    files: effect.files.map((one) => (one.kind === 'absent' ? { kind: 'restore' as const, path: one.path } : one)),
  };
}
