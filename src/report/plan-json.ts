import type { HostResult } from '../engine/events.ts';
import type { Plan } from '../plan/plan.ts';
import { toJson } from './json.ts';
import { countPlan } from './plan-summary.ts';

/** The plan as JSON: its own form (`formatVersion` says which) and the counts. Results are there after an apply. */
export function planJson(plan: Plan, results?: readonly HostResult[]): string {
  const { formatVersion, farm, hosts } = plan;
  const counts = countPlan(plan);
  const kind = results === undefined ? 'plan' : 'apply';
  return toJson({ kind, formatVersion, farm, counts, hosts, ...(results === undefined ? {} : { results }) });
}
