import { problem } from '../model/diagnostic.ts';
import type { Host } from '../model/farm.ts';
import type { DesiredHost } from '../plan/desired.ts';
import type { ManifestEntry } from '../plan/manifest.ts';
import type { HostPlan } from '../plan/plan.ts';
import type { Step } from '../plan/step.ts';
import { removalOf } from '../role/removal-order.ts';
import type { Connection } from '../transport/transport.ts';
import type { HostResult, Timings } from './events.ts';
import { type HostFailure, hostFailure } from './failure.ts';
import type { RunOptions } from './run.ts';
import { openSession, type Session } from './session.ts';

/** One host in a run: its connection, what was planned, and how it came out so far. */
export interface HostRun {
  readonly host: Host;
  plan: HostPlan;
  steps: readonly Step[];
  preparations: readonly Step[];
  forgotten: readonly ManifestEntry[];
  unclaimed: readonly string[];
  desired: DesiredHost;
  failure: HostFailure | undefined;
  /** Parts that are not changed, as the other host of the pair could not be changed with this one. */
  readonly heldBack: Set<string>;
  changed: number;
  /** Planned, and already as desired when their turn came. */
  settled: number;
  readonly timings: { -readonly [K in keyof Timings]: Timings[K] };
  connection: Connection | undefined;
  session: Session | undefined;
  isLocked: boolean;
  packagesRan: boolean;
  /** By part: the unit whose files went ahead of its process. */
  readonly filesAhead: Map<string, string>;
}

export function newHostRun(host: Host): HostRun {
  return {
    host,
    plan: {
      host: host.name,
      tier: host.tier,
      state: 'planned',
      changes: [],
      leftovers: [],
      diagnostics: [],
      unchangedCount: 0,
    },
    steps: [],
    preparations: [],
    forgotten: [],
    unclaimed: [],
    desired: { host: host.name, parts: [], failedParts: [], diagnostics: [] },
    failure: undefined,
    heldBack: new Set(),
    changed: 0,
    settled: 0,
    timings: { connectMs: 0, probeMs: 0, computeMs: 0, applyMs: 0, partsMs: {} },
    connection: undefined,
    session: undefined,
    isLocked: false,
    packagesRan: false,
    filesAhead: new Map(),
  };
}

/** Connects and starts the remote shell, unless the user wanted to stop. Fills in `failure` instead of throwing. */
export async function openHost(run: HostRun, options: RunOptions): Promise<boolean> {
  if (options.stopping.aborted) {
    fail(run, interruption(run.host.name), options);
    return false;
  }
  const startedAt = options.transport.beganAt?.(run.host.name) ?? performance.now();
  try {
    run.connection = await options.transport.connect(run.host.name, options.killing);
    run.session = await openSession(run.connection);
    return true;
  } catch (error) {
    fail(run, hostFailure(error, run.host.name, false), options);
    return false;
  } finally {
    run.timings.connectMs = performance.now() - startedAt;
  }
}

/** What is said of a host that was left because the user wanted to stop. */
export function interruption(host: string): HostFailure {
  return {
    outcome: 'interrupted',
    diagnostic: problem('run/interrupted', 'Interrupted', `${host} was left in the middle of the run.`, {
      severity: 'note',
      host,
      hint: 'Run the same command again: it goes on from there.',
    }),
  };
}

/** Notes a failure of the host and gives its connection up. */
export function fail(run: HostRun, failure: HostFailure, options: RunOptions): void {
  run.failure ??= options.killing.aborted ? interruption(run.host.name) : failure;
  run.session?.close();
  run.connection?.close();
}

/** Nothing more is wanted of the host: its connection is closed, and what was worked out for it is forgotten. */
export function letGo(run: HostRun): void {
  run.session?.close();
  run.connection?.close();
  run.session = undefined;
  run.connection = undefined;
  run.desired = { ...run.desired, parts: [] };
  run.steps = [];
  run.preparations = [];
}

/** The steps of one part of the host, or those of its removals under their own name. */
export function stepsOf(run: HostRun, part: string): readonly Step[] {
  return run.steps.filter((step) => (step.isRemoval ? removalOf(step.part) : step.part) === part);
}

/** Counts time to a part of the host. */
export function addToPart(run: HostRun, part: string, ms: number): void {
  const { timings } = run;
  timings.applyMs += ms;
  timings.partsMs = { ...timings.partsMs, [part]: (timings.partsMs[part] ?? 0) + ms };
}

/** The host's last word. */
export function resultOf(run: HostRun, applied: boolean): HostResult {
  const { failure, plan } = run;
  const diagnostics = [...plan.diagnostics, ...(failure === undefined ? [] : [failure.diagnostic])];
  const refused = plan.state === 'refused';
  const notMade = plan.changes.length - run.changed - run.settled;
  const quiet = run.changed > 0 ? 'changed' : 'ok';
  const outcome = failure?.outcome ?? (refused ? 'failed' : applied && notMade > 0 ? 'not-attempted' : quiet);
  return { host: run.host.name, outcome, changed: run.changed, notMade, diagnostics, timings: { ...run.timings } };
}
