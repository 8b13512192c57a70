import type { HostResult } from '../../../src/engine/events.ts';
import { type HostPlan, PLAN_FORMAT_VERSION, type Plan, type PlannedChange } from '../../../src/plan/plan.ts';

/** A change with what matters to a test; the rest is a plain update of a file. */
export function change(given: Partial<PlannedChange> = {}): PlannedChange {
  const id = given.id ?? '/etc/motd';
  return {
    part: 'base',
    type: 'file',
    id,
    title: id,
    action: 'update',
    unknownUntil: undefined,
    fields: [],
    texts: [],
    risk: 'none',
    notes: [],
    ...given,
  };
}

export function hostPlan(host: string, given: Partial<HostPlan> = {}): HostPlan {
  return {
    host,
    tier: 'app',
    state: 'planned',
    changes: [],
    leftovers: [],
    diagnostics: [],
    unchangedCount: 10,
    ...given,
  };
}

export function plan(...hosts: HostPlan[]): Plan {
  return { formatVersion: PLAN_FORMAT_VERSION, farm: 'example', hosts };
}

export function result(host: string, given: Partial<HostResult> = {}): HostResult {
  const timings = { connectMs: 60, probeMs: 340, computeMs: 12, applyMs: 0, partsMs: {} };
  return { host, outcome: 'ok', changed: 0, notMade: 0, diagnostics: [], timings, ...given };
}
