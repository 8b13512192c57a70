import type { HostPlan, HostPlanState, Plan, PlannedChange } from '../plan/plan.ts';
import { hostList } from './host-list.ts';
import { count, printableLine } from './text.ts';

/** Numbers of a plan, for its last line and its JSON form. */
export interface PlanCounts {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
  /** Changes among these that are not known before others are made. */
  readonly unknown: number;
  readonly hosts: number;
  readonly restarts: number;
}

const isRestart = (change: PlannedChange) => change.risk === 'restart';

/** Counts changes by what they do. */
export function countPlan(plan: Plan): PlanCounts {
  const changes = plan.hosts.flatMap((host) => host.changes);
  const of = (action: PlannedChange['action']) => changes.filter((change) => change.action === action).length;
  return {
    create: of('create'),
    update: of('update'),
    delete: of('delete'),
    unknown: changes.filter((change) => change.unknownUntil !== undefined).length,
    hosts: plan.hosts.filter((host) => host.changes.length > 0).length,
    restarts: changes.filter(isRestart).length,
  };
}

const LEFT_OUT: Readonly<Record<Exclude<HostPlanState, 'planned'>, string>> = {
  refused: 'refused',
  unreachable: 'unreachable',
  locked: 'locked',
  failed: 'failed',
};

/** What the plan amounts to, in one or two lines. */
export function planSummary(plan: Plan): string[] {
  return [firstLine(plan), ...leftOut(plan.hosts)];
}

function firstLine(plan: Plan): string {
  const counts = countPlan(plan);
  const words: string[] = [];
  if (counts.create > 0) words.push(`${counts.create} to create`);
  if (counts.update > 0) words.push(`${counts.update} to update`);
  if (counts.delete > 0) words.push(`${counts.delete} to delete`);
  if (words.length === 0) {
    const planned = plan.hosts.filter((host) => host.state === 'planned').length;
    if (planned === plan.hosts.length) return 'No changes. The farm is as described.';
    return planned === 0
      ? 'No host could be planned.'
      : `No changes on the ${count(planned, 'host')} that could be planned.`;
  }
  let line = `Plan: ${words.join(', ')} on ${count(counts.hosts, 'host')}`;
  if (counts.restarts > 0) line += `; ${count(counts.restarts, 'restart')} (${restarts(plan.hosts)})`;
  const stops = plan.hosts.flatMap((host) => host.changes.filter((change) => change.risk === 'outage')).length;
  if (stops > 0) line += `; ${count(stops, 'outage')}`;
  if (counts.unknown > 0) line += `; ${counts.unknown} not known before others are made`;
  return `${line}.`;
}

function restarts(hosts: readonly HostPlan[]): string {
  const byTitle = new Map<string, string[]>();
  for (const { host, changes } of hosts) {
    for (const { title } of changes.filter(isRestart)) byTitle.set(title, [...(byTitle.get(title) ?? []), host]);
  }
  const all = [...byTitle].map(([title, on]) => `${printableLine(title)} on ${hostList(on, 4)}`);
  return all.length <= 4 ? all.join('; ') : `${all.slice(0, 3).join('; ')}; ${all.length - 3} more`;
}

function leftOut(hosts: readonly HostPlan[]): string[] {
  const states = Object.entries(LEFT_OUT).flatMap(([state, word]) => {
    const names = hosts.filter((host) => host.state === state).map((host) => host.host);
    return names.length === 0 ? [] : [`${hostList(names)} (${word})`];
  });
  return states.length === 0 ? [] : [`Left out: ${states.join(', ')}.`];
}
