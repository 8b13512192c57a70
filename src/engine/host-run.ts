import { hostname, userInfo } from 'node:os';
import { type Diagnostic, hasErrors, problem } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import type { Host } from '../model/farm.ts';
import { type DesiredHost, desiredOf, needsFacts, resourceName } from '../plan/desired.ts';
import { findOrphans, type PartFilter, type PlannedHost, planHost, resourcesToProbe } from '../plan/host-plan.ts';
import { type ManifestEntry, manifestKey } from '../plan/manifest.ts';
import type { HostPlan } from '../plan/plan.ts';
import { assess, type Step } from '../plan/step.ts';
import { pathKey } from '../remote/file-script.ts';
import { STATE_DIRECTORY, signsOfLife } from '../remote/runtime.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { STATE_FUNCTIONS } from '../remote/state-functions.ts';
import { ownState } from '../resource/types/own-state.ts';
import { removalOf } from '../role/removal-order.ts';
import type { ResolvedFarm } from '../role/view.ts';
import type { Connection } from '../transport/transport.ts';
import { applySteps, probeNow, type StepsOutcome, type StepWatcher } from './apply-steps.ts';
import { DEADLINES } from './deadlines.ts';
import type { HostResult, Timings } from './events.ts';
import { cureFor, type HostFailure, hostFailure } from './failure.ts';
import { contradictions, factsOf, LOCKED_STATUS, type Locked, lookAtHost, systemOf } from './look.ts';
import type { RunOptions } from './run.ts';
import { type Answer, openSession, type Session } from './session.ts';
import { LOG_PATH, preparationScript } from './step-script.ts';
import { validateStaged } from './validate-staged.ts';

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

/** What is said of a host that another run holds. */
export function lockedFailure(host: string, locked: Locked): HostFailure {
  const by = locked.lockedBy === '' ? 'another run' : `another run: ${locked.lockedBy}`;
  return {
    outcome: 'locked',
    diagnostic: problem('host/locked', 'Host is locked', `${host} is held by ${by}.`, {
      host,
      hint: 'Wait for that run to end, or give this one more patience with --lock-timeout SECONDS.',
    }),
  };
}

/** Connects and starts the remote shell. Fills in `failure` instead of throwing. */
export async function openHost(run: HostRun, options: RunOptions): Promise<boolean> {
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

/** True once the user wanted to stop: then the host is not begun, and that is noted. */
export function isInterrupted(run: HostRun, options: RunOptions): boolean {
  if (options.stopping.aborted) fail(run, interruption(run.host.name), options);
  return options.stopping.aborted;
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

/** Looks at the host and plans it. Fills in `plan`, `steps` or `failure`; never throws. */
export async function planHostRun(
  run: HostRun,
  resolved: ResolvedFarm,
  filter: PartFilter,
  options: RunOptions,
): Promise<void> {
  const { host } = run;
  const { farm, templates, lockTimeoutMs } = options;
  if (!(await openHost(run, options)) || run.session === undefined) return;
  options.report({ kind: 'host-connected', host: host.name, afterMs: run.timings.connectMs });
  const probing = performance.now();
  try {
    let facts: Facts | undefined;
    if (needsFacts(resolved.partsOf(host.name))) {
      const first = await lookAtHost(run.session, [], { lockTimeoutMs, asks: 'facts' });
      if ('lockedBy' in first) return fail(run, lockedFailure(host.name, first), options);
      facts = factsOf(first, host.name);
    }
    const rendering = performance.now();
    run.desired = desiredOf(farm, resolved, host.name, templates, facts);
    run.timings.computeMs = performance.now() - rendering;
    const wanted = [...resourcesToProbe(run.desired, filter), ...(host.retired ? [ownState({})] : [])];
    const look = await lookAtHost(run.session, wanted, { lockTimeoutMs, asks: 'system' });
    if ('lockedBy' in look) return fail(run, lockedFailure(host.name, look), options);
    const orphans = findOrphans(farm.name, run.desired, look.manifest);
    const left = [...orphans.alone, ...[...orphans.inSet.values()].flat()].map((one) => one.resource);
    const seen = new Map(look.seen);
    let holdings = look.holdings;
    if (left.length > 0) {
      const more = await lookAtHost(run.session, left, { lockTimeoutMs, asks: 'holdings' });
      if ('lockedBy' in more) return fail(run, lockedFailure(host.name, more), options);
      for (const [key, value] of more.seen) seen.set(key, value);
      holdings = more.holdings;
    }
    const computing = performance.now();
    const planned = planHost({ farm: farm.name, host, desired: run.desired, filter, seen, orphans, holdings });
    run.timings.computeMs += performance.now() - computing;
    const { refused } = await validateStaged(run.session, planned.steps, host.name);
    const told = contradictions(host, farm.networks, systemOf(look, host.name));
    takeUp(run, planned, [...told, ...refused.values()]);
  } catch (error) {
    fail(run, hostFailure(error, host.name, true), options);
  } finally {
    // Also where it took all the time there was.
    run.timings.probeMs = performance.now() - probing - run.timings.computeMs;
  }
}

function takeUp(run: HostRun, planned: PlannedHost, more: readonly Diagnostic[]): void {
  const diagnostics = [...planned.plan.diagnostics, ...more];
  run.plan = { ...planned.plan, diagnostics, state: hasErrors(diagnostics) ? 'refused' : 'planned' };
  run.steps = planned.steps;
  run.forgotten = planned.forgotten;
  run.unclaimed = planned.unclaimed;
  run.preparations = planned.steps.filter((step) => planned.preparations.includes(step.resource));
}

function forgetScript(entries: readonly ManifestEntry[], unclaimed: readonly string[] = []): Script {
  const files = [
    ...entries.map((entry) => `manifest/${manifestKey(entry)}`),
    ...unclaimed.map((path) => `paths/${pathKey(path)}`),
  ];
  return joinScripts(files.map((name) => sh`rm -f -- ${`${STATE_DIRECTORY}/${name}`}`));
}

/** Takes the host's exclusive lock for the rest of the run, and masks what must not start too early. */
export async function lockHost(run: HostRun, options: RunOptions): Promise<boolean> {
  const { session, host } = run;
  if (session === undefined) return false;
  if (run.isLocked) return true;
  const seconds = Math.ceil(options.lockTimeoutMs / 1000);
  const owner = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`;
  const exchange = { deadlineMs: DEADLINES.stepMs + options.lockTimeoutMs, doing: 'locking the host' };
  const command = (shell: Script) =>
    new Script(`${STATE_FUNCTIONS}${told(new Script('open_state')).text}
flock -x -o -w ${seconds} -E ${LOCKED_STATUS} ${STATE_DIRECTORY} ${shell.text}
r=$?
[ $r -ne ${LOCKED_STATUS} ] || { frame locked; cat ${STATE_DIRECTORY}/owner >&3 2>/dev/null; }
exit $r`);
  // Before the lock is free again: who is refused later is not told of a run that has ended.
  const leaving = signsOfLife(sh`rm -f -- ${STATE_DIRECTORY}/owner ${LOG_PATH}`);
  const refused = await session.enter(command, leaving, exchange);
  if (refused !== undefined) {
    const frame = refused.frames.find((one) => one.words[0] === 'locked');
    const lockedBy = Buffer.from(frame?.payload ?? [])
      .toString('utf8')
      .trim();
    const failure: HostFailure =
      frame === undefined
        ? { outcome: 'failed', diagnostic: unwritable(host.name, 'cannot be made or locked', refused) }
        : lockedFailure(host.name, { lockedBy });
    fail(run, failure, options);
    return false;
  }
  run.isLocked = true;
  const begun = await session.exchange(
    joinScripts([
      sh`for d in ${STATE_DIRECTORY}/.farmctl-bodies.*; do [ ! -e "$d" ] || rm -rf -- "$d"; done
printf '%s\n' ${owner} >${STATE_DIRECTORY}/owner`,
      told(
        joinScripts([
          forgetScript(run.forgotten, run.unclaimed),
          run.preparations.length > 0 ? preparationScript(run.preparations) : new Script(':'),
        ]),
      ),
    ]),
    [],
    exchange,
  );
  if (begun.status === 0) return true;
  fail(run, { outcome: 'failed', diagnostic: unwritable(host.name, 'cannot be written to', begun) }, options);
  return false;
}

/** The script in a shell of its own; where it fails, what it said is sent and the request ends with 1. */
function told(script: Script): Script {
  return new Script(`e=$( (
${script.text}
) 2>&1 </dev/null ) || { frame said; printf '%s' "$e" | tail -c 2000 >&3; exit 1; }`);
}

function unwritable(host: string, how: string, answer: Answer): Diagnostic {
  const frame = answer.frames.find((one) => one.words[0] === 'said');
  const output = Buffer.from(frame?.payload ?? [])
    .toString('utf8')
    .trim();
  return problem('host/cannot-write', 'Host cannot be written to', `${host}: ${STATE_DIRECTORY} ${how}.`, {
    host,
    output,
    hint: cureFor(output, host) ?? 'Put right what the output names, then run the same command again.',
  });
}

/** The steps of one part of the host, or those of its removals under their own name. */
export function stepsOf(run: HostRun, part: string): readonly Step[] {
  return run.steps.filter((step) => (step.isRemoval ? removalOf(step.part) : step.part) === part);
}

function notConverged(run: HostRun, part: string, resource: string, fields: string): Diagnostic {
  return problem(
    'resource/not-converged',
    'Not as desired after the change',
    `${resource} of ${part} on ${run.host.name} still differs: ${fields}.`,
    {
      host: run.host.name,
      resource,
      hint: 'Something on the host changes it back, or the desired value is not the form in which the host keeps it.',
    },
  );
}

/** Counts time to a part of the host. */
export function addToPart(run: HostRun, part: string, ms: number): void {
  const { timings } = run;
  timings.applyMs += ms;
  timings.partsMs = { ...timings.partsMs, [part]: (timings.partsMs[part] ?? 0) + ms };
}

/** Makes one part of the host and looks at it again. Never throws. */
export async function applyPart(
  run: HostRun,
  part: string,
  options: RunOptions,
  watcher: StepWatcher,
): Promise<StepsOutcome> {
  const steps = stepsOf(run, part);
  const startedAt = performance.now();
  try {
    if (!(await lockHost(run, options)) || run.session === undefined) return 'failed';
    const applying = { host: run.host.name, stopping: options.stopping, watcher, packagesRan: run.packagesRan };
    const outcome = await applySteps(run.session, steps, applying);
    run.packagesRan = applying.packagesRan;
    if (outcome !== 'done') return outcome;
    // Also those that were gone already when their turn came.
    const entries = steps.filter((step) => step.isRemoval).flatMap((step) => step.entries);
    if (entries.length > 0) {
      await run.session.exchange(forgetScript(entries), [], { deadlineMs: DEADLINES.stepMs, doing: 'forgetting' });
    }
    const resources = run.desired.parts.find((one) => one.part === part)?.resources ?? [];
    if (resources.length === 0) return 'done';
    const seen = await probeNow(run.session, resources);
    const diagnostics: Diagnostic[] = [];
    for (const resource of resources) {
      const found = assess(resource, [], false, seen);
      if (found.kind === 'change') {
        const fields = [
          ...found.difference.fields.map(
            (field) => `${field.name} is ${field.from ?? 'absent'}, not ${field.to ?? 'absent'}`,
          ),
          ...found.difference.texts.map((text) => `the content of ${text.path}`),
        ];
        diagnostics.push(notConverged(run, part, resourceName(resource), fields.join('; ')));
      } else if (found.kind === 'unknown' && !found.elseAsDesired)
        diagnostics.push(notConverged(run, part, resourceName(resource), found.reason));
    }
    const [first] = diagnostics;
    if (first === undefined) return 'done';
    run.failure ??= { outcome: 'failed', diagnostic: first };
    run.plan = { ...run.plan, diagnostics: [...run.plan.diagnostics, ...diagnostics.slice(1)] };
    return 'failed';
  } catch (error) {
    fail(run, hostFailure(error, run.host.name, true), options);
    return options.killing.aborted ? 'interrupted' : 'failed';
  } finally {
    addToPart(run, part, performance.now() - startedAt);
  }
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
