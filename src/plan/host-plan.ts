import { type Diagnostic, hasErrors, problem } from '../model/diagnostic.ts';
import type { Difference } from '../resource/change.ts';
import { type Observed, type Resource, resourceTypes } from '../resource/define.ts';
import { restore } from '../resource/recorded.ts';
import { ownState } from '../resource/types/own-state.ts';
import { type DesiredHost, type DesiredPart, resourceKey, resourceName, withMembers } from './desired.ts';
import { givenBack, type Holdings } from './given-back.ts';
import { type ManifestEntry, manifestEntry } from './manifest.ts';
import type { Seen } from './observe.ts';
import type { HostPlan, Leftover, PlannedChange } from './plan.ts';
import { assess, type Step } from './step.ts';

/** What is selected of a host's parts. */
export type PartFilter = (part: string, role: string) => boolean;

/** A removal that the manifest asks for, rebuilt. */
export interface Orphan {
  readonly entry: ManifestEntry;
  readonly resource: Resource;
}

/** What the manifest lists and no role of the host returns any more. */
export interface Orphans {
  /** By themselves, the last made first. */
  readonly alone: readonly Orphan[];
  /** Inside a service's set that is itself still wanted or removed as a whole, by `type id` of that service. */
  readonly inSet: ReadonlyMap<string, readonly Orphan[]>;
  readonly leftovers: readonly Leftover[];
  /** Listed, but in truth still wanted under another name: only forgotten. */
  readonly renamed: readonly ManifestEntry[];
  /** Everything that the manifest lists, by the keys of resources. */
  readonly listed: ReadonlySet<string>;
}

/** Sorts out what is left over. Pure; computed over all roles of the host, whatever is selected. */
export function findOrphans(farm: string, desired: DesiredHost, manifest: readonly ManifestEntry[]): Orphans {
  const all = desired.parts.flatMap((part) => part.resources.flatMap(withMembers));
  const wanted = new Set(all.map(resourceKey));
  const renamed: ManifestEntry[] = [];
  const sets = new Set(desired.parts.flatMap((part) => part.resources.map(resourceName)));
  const alone: Orphan[] = [];
  const inSet = new Map<string, Orphan[]>();
  const leftovers: Leftover[] = [];
  const rest = manifest.filter(
    ({ type, id, part }) => !wanted.has(`${type}\n${id}`) && !desired.failedParts.includes(part),
  );
  const removedSets = new Set(rest.filter((entry) => entry.farm === farm).map((entry) => `${entry.type} ${entry.id}`));
  for (const entry of rest) {
    const type = resourceTypes.get(entry.type);
    if (entry.farm !== farm) {
      leftovers.push({ type: entry.type, id: entry.id, reason: `Another farm put it there: ${entry.farm}.` });
      continue;
    }
    if (type === undefined) {
      leftovers.push({ type: entry.type, id: entry.id, reason: `No role here knows the resource type ${entry.type}.` });
      continue;
    }
    if (
      type.isCoveredBy?.(
        restore(entry.arguments),
        all.filter((one) => one.type === type).map((one) => one.desired),
      )
    ) {
      renamed.push(entry);
      continue;
    }
    const orphan = { entry, resource: { type, desired: restore(entry.arguments), id: entry.id } };
    if (entry.set !== undefined && (sets.has(entry.set) || removedSets.has(entry.set)))
      inSet.set(entry.set, [...(inSet.get(entry.set) ?? []), orphan]);
    else alone.push(orphan);
  }
  alone.sort((a, b) => b.entry.position - a.entry.position);
  const listed = new Set(manifest.map(({ type, id }) => `${type}\n${id}`));
  return { alone, inSet, leftovers, renamed, listed };
}

/** All that must be probed on a host: what its roles want (as selected) and what the manifest leaves over. */
export function resourcesToProbe(desired: DesiredHost, filter: PartFilter): readonly Resource[] {
  return desired.parts.filter((part) => filter(part.part, part.role)).flatMap((part) => part.resources);
}

function plannedChange(part: string, resource: Resource, difference: Difference, until?: string): PlannedChange {
  return {
    part,
    type: resource.type.type,
    id: resource.id,
    title: resource.type.title?.(resource.desired) ?? resource.id,
    action: difference.action,
    unknownUntil: until,
    fields: difference.fields,
    texts: difference.texts,
    risk: difference.risk,
    notes: difference.notes,
  };
}

/** What its type has to say about a resource besides the differences. */
function remarks(resource: Resource, observed: Observed<unknown>, host: string): readonly Diagnostic[] {
  if (observed.state === 'unknown') return [];
  const value = observed.state === 'known' ? observed.value : undefined;
  return (resource.type.remarks?.(resource.desired, value) ?? []).map((detail) =>
    problem('resource/remark', 'Worth knowing', detail, {
      severity: 'note',
      host,
      resource: resourceName(resource),
    }),
  );
}

/** What planning a host gives: the plan that is shown and the steps that make it. */
export interface PlannedHost {
  readonly plan: HostPlan;
  readonly steps: readonly Step[];
  /** Before the first package is installed: masks of units whose configuration does not exist yet. */
  readonly preparations: readonly Resource[];
  /** Entries of things that are gone already or have another name: dropped with the next change of the host. */
  readonly forgotten: readonly ManifestEntry[];
  /** Paths at which nothing of ours is left: who makes something there again makes their own. */
  readonly unclaimed: readonly string[];
}

interface PlanInput {
  readonly farm: string;
  readonly host: { readonly name: string; readonly tier: string; readonly retired: boolean };
  readonly desired: DesiredHost;
  readonly filter: PartFilter;
  readonly seen: ReadonlyMap<string, Seen>;
  readonly orphans: Orphans;
  readonly holdings: Holdings;
}

/** Compares all of a host. Pure. */
export function planHost({ farm, host, desired, filter, seen, orphans, holdings }: PlanInput): PlannedHost {
  const steps: Step[] = [];
  const diagnostics: Diagnostic[] = [...desired.diagnostics];
  const leftovers: Leftover[] = [...orphans.leftovers];
  const preparations: Resource[] = [];
  const forgotten: ManifestEntry[] = [...orphans.renamed];
  const unclaimed: string[] = [];
  let pending: { readonly title: string; readonly isPackages: boolean } | undefined;
  const positions = new Map(desired.parts.flatMap((part) => part.resources).map((one, index) => [one, index * 1000]));
  let unchangedCount = 0;
  const observedOf = (resource: Resource) =>
    seen.get(resourceKey(resource))?.observed ?? { state: 'unknown' as const, reason: 'it was not probed' };

  const planPart = ({ part, resources }: DesiredPart): void => {
    for (const resource of resources) {
      const unwanted = orphans.inSet.get(resourceName(resource)) ?? [];
      const assessment = assess(
        resource,
        unwanted.map((one) => one.resource),
        false,
        seen,
      );
      const at = positions.get(resource) ?? 0;
      diagnostics.push(...remarks(resource, observedOf(resource), host.name));
      if (assessment.kind === 'as-desired' || assessment.kind === 'stays') {
        unchangedCount += withMembers(resource).length;
        // What left the set and is gone already must not be taken for ours when somebody else puts a thing there.
        for (const one of unwanted.filter((orphan) => observedOf(orphan.resource).state === 'absent')) {
          forgotten.push(one.entry);
          unclaimed.push(...(one.resource.type.paths?.(one.resource.desired) ?? []));
        }
        continue;
      }
      const isSettled = assessment.kind === 'unknown' && assessment.elseAsDesired && pending?.isPackages !== true;
      if (assessment.kind === 'unknown' && (pending === undefined || isSettled)) {
        if (!assessment.elseAsDesired)
          diagnostics.push(
            problem(
              'resource/unknown',
              'Resource cannot be looked at',
              `${resourceName(resource)} of ${part} on ${host.name}: ${assessment.reason}.`,
              {
                host: host.name,
                resource: resourceName(resource),
                hint: 'Nothing earlier in the plan would change that. Put it right on the host, or let a role bring what is missing.',
              },
            ),
          );
        continue;
      }
      const isUnknown = assessment.kind === 'unknown';
      // What somebody else made just so stays theirs: farmctl puts nothing there, and takes nothing away later.
      const isForeign = (one: Resource) => {
        const state = observedOf(one);
        if (isUnknown || one === resource || state.state !== 'known' || orphans.listed.has(resourceKey(one)))
          return false;
        return one.type.diff(one.desired, state.value, []) === undefined;
      };
      const own = withMembers(resource).flatMap((one, index) =>
        isForeign(one) ? [] : [manifestEntry(farm, part, one, index === 0 ? undefined : resource, at + index)],
      );
      const prepared = isUnknown ? resource.type.prepare?.(resource.desired) : undefined;
      const difference = isUnknown
        ? resource.type.whole(resource.desired)
        : givenBack(assessment.difference, assessment.effect, resource.id, holdings);
      const noted =
        prepared === undefined ? difference : { ...difference, notes: [...difference.notes, prepared.note] };
      if (prepared !== undefined) preparations.push(resource);
      const change = plannedChange(part, resource, noted, isUnknown ? pending?.title : undefined);
      steps.push({
        part,
        resource,
        isRemoval: false,
        unwanted: unwanted.map((one) => one.resource),
        entries: [...own, ...unwanted.map((one) => one.entry)],
        observed: observedOf(resource),
        seen,
        change,
        effect: isUnknown ? undefined : assessment.effect,
      });
      const isPackages = !isUnknown && assessment.effect.deadline === 'packages';
      // The nearest is likeliest to bring what is missing, and packages likelier still.
      if (isPackages || pending?.isPackages !== true) pending = { title: `${change.type} ${change.title}`, isPackages };
    }
  };
  for (const part of desired.parts) if (filter(part.part, part.role)) planPart(part);

  let isAllTaken = orphans.leftovers.length === 0;
  for (const { entry, resource } of orphans.alone) {
    const role = entry.part.split('/')[0] ?? entry.part;
    if (!filter(entry.part, role)) {
      isAllTaken = false;
      continue;
    }
    const inside = orphans.inSet.get(resourceName(resource)) ?? [];
    const assessment = assess(
      resource,
      inside.map((one) => one.resource),
      true,
      seen,
    );
    const entries = [entry, ...inside.map((one) => one.entry)];
    if (assessment.kind === 'stays') {
      leftovers.push({ type: entry.type, id: entry.id, reason: assessment.reason });
      if (observedOf(resource).state === 'unknown') isAllTaken = false;
      continue;
    }
    if (assessment.kind === 'unknown') continue;
    if (assessment.kind === 'as-desired') {
      forgotten.push(...entries);
      if (resource.type.filesOnly) unclaimed.push(...(resource.type.paths?.(resource.desired) ?? []));
      continue;
    }
    steps.push({
      part: entry.part,
      resource,
      isRemoval: true,
      unwanted: inside.map((one) => one.resource),
      entries,
      observed: observedOf(resource),
      seen,
      change: plannedChange(
        entry.part,
        resource,
        givenBack(assessment.difference, assessment.effect, resource.id, holdings),
      ),
      effect: assessment.effect,
    });
  }
  const last = ownState({});
  const farewell = assess(last, [], true, seen);
  if (host.retired && isAllTaken && farewell.kind === 'change')
    steps.push({
      part: last.type.type,
      resource: last,
      isRemoval: true,
      unwanted: [],
      entries: [],
      observed: observedOf(last),
      seen,
      change: plannedChange(last.type.type, last, farewell.difference),
      effect: farewell.effect,
    });
  const state = hasErrors(diagnostics) ? 'refused' : 'planned';
  const plan: HostPlan = {
    host: host.name,
    tier: host.tier,
    state,
    changes: steps.map((step) => step.change),
    leftovers,
    diagnostics,
    unchangedCount,
  };
  return { plan, steps, preparations, forgotten, unclaimed };
}
