import type { Diagnostic } from '../model/diagnostic.ts';
import type { Action, Field, Risk, TextChange } from '../resource/change.ts';

/** The version of the plan's JSON form. Raised when a field changes its meaning or goes. */
export const PLAN_FORMAT_VERSION = 1;

/** One change of one resource on one host, as it is shown and as it will be made. */
export interface PlannedChange {
  /** Full name of the part, `bind9/primary`. */
  readonly part: string;
  readonly type: string;
  readonly id: string;
  /** What people read: the id, or something shorter. */
  readonly title: string;
  readonly action: Action;
  /** Set where the probe could not look: the title of the pending change that it waits for. */
  readonly unknownUntil: string | undefined;
  readonly fields: readonly Field[];
  readonly texts: readonly TextChange[];
  readonly risk: Risk;
  readonly notes: readonly string[];
}

/** What stays on a host though no role returns it: only reported. */
export interface Leftover {
  readonly type: string;
  readonly id: string;
  readonly reason: string;
}

/**
 * - `planned`: its changes are known (there may be none).
 * - `refused`: reached, but something on it forbids a change (a refused configuration, an unknown without a cause).
 * - `unreachable`, `locked`, `failed`: it could not be looked at; left out.
 */
export type HostPlanState = 'planned' | 'refused' | 'unreachable' | 'locked' | 'failed';

export interface HostPlan {
  readonly host: string;
  readonly tier: string;
  readonly state: HostPlanState;
  /** In the order in which they will be made. */
  readonly changes: readonly PlannedChange[];
  readonly leftovers: readonly Leftover[];
  readonly diagnostics: readonly Diagnostic[];
  /** How many resources were found as desired; those of a service's set count each. */
  readonly unchangedCount: number;
}

/** What would be done to the selected hosts. A value: printed, compared, and the only thing that authorises a change. */
export interface Plan {
  readonly formatVersion: typeof PLAN_FORMAT_VERSION;
  readonly farm: string;
  readonly hosts: readonly HostPlan[];
}

/** True if any host has a change. */
export function hasChanges(plan: Plan): boolean {
  return plan.hosts.some((host) => host.changes.length > 0);
}
