import type { Diagnostic } from '../model/diagnostic.ts';
import type { HostPlan, PlannedChange } from '../plan/plan.ts';

/** How a host came out of a run. */
export type HostOutcome =
  | 'ok'
  | 'changed'
  | 'failed'
  | 'unreachable'
  | 'locked'
  /** A part before it failed, or its batch was not begun. */
  | 'not-attempted'
  | 'interrupted';

/** Milliseconds that a host took, by phase. Waiting for a turn is no phase. */
export interface Timings {
  /** Its turn at the sshd, the login, and the start of the shell. */
  readonly connectMs: number;
  /** Exchanges that only look: probes, and checkers that read what is to come. */
  readonly probeMs: number;
  /** In the controller: roles, templates, differences. */
  readonly computeMs: number;
  /** Changes, and the look at what came of them; a command that was run. */
  readonly applyMs: number;
  /** What of `applyMs`, or of checks, each part took. */
  readonly partsMs: Readonly<Record<string, number>>;
}

/** The last word on one host. */
export interface HostResult {
  readonly host: string;
  readonly outcome: HostOutcome;
  /** Changes made, and changes planned but not made. */
  readonly changed: number;
  readonly notMade: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly timings: Timings;
}

/** Everything that reporters know of a run. The engine emits these; it never prints. */
export type RunEvent =
  | { readonly kind: 'run-started'; readonly hosts: readonly string[] }
  | { readonly kind: 'host-connected'; readonly host: string; readonly afterMs: number }
  | { readonly kind: 'host-planned'; readonly plan: HostPlan }
  /** The parts that an apply is about to change, with their hosts, in the order in which they can begin. */
  | {
      readonly kind: 'apply-started';
      readonly parts: ReadonlyArray<{ readonly part: string; readonly hosts: readonly string[] }>;
    }
  | { readonly kind: 'part-started'; readonly host: string; readonly part: string }
  | { readonly kind: 'change-started'; readonly host: string; readonly change: PlannedChange }
  | {
      readonly kind: 'change-made';
      readonly host: string;
      /** As in `part-started`: removals of a part have a name of their own. */
      readonly part: string;
      readonly change: PlannedChange;
      /** True: it was already as desired when its turn came. */
      readonly already: boolean;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'change-failed';
      readonly host: string;
      readonly change: PlannedChange;
      readonly diagnostic: Diagnostic;
    }
  | {
      readonly kind: 'part-finished';
      readonly host: string;
      readonly part: string;
      readonly outcome: 'done' | 'failed' | 'not-attempted' | 'interrupted';
    }
  /** Something to be told while the run goes on: a wait for a lock, a hung host given up. */
  | { readonly kind: 'notice'; readonly diagnostic: Diagnostic }
  | { readonly kind: 'host-finished'; readonly result: HostResult };

/** Takes the events of a run, in order. Must not throw. */
export type Reporter = (event: RunEvent) => void;
