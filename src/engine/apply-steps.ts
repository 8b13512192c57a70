import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceKey, resourceName } from '../plan/desired.ts';
import { probeBatch, readSeen, type Seen } from '../plan/observe.ts';
import type { PlannedChange } from '../plan/plan.ts';
import { assess, probedBy, type Step } from '../plan/step.ts';
import { bodies } from '../remote/file-script.ts';
import type { Frame } from '../remote/frame.ts';
import { readAnswers } from '../remote/record.ts';
import { graver } from '../resource/change.ts';
import type { Resource } from '../resource/define.ts';
import { DEADLINES, PROBE_SECONDS } from './deadlines.ts';
import { withHungMounts } from './look.ts';
import type { Session } from './session.ts';
import { failureOf } from './step-failure.ts';
import { DIFFERS_TAG, stepsScript } from './step-script.ts';

/** What happened to a step, told as it happens. */
export interface StepWatcher {
  started(change: PlannedChange): void;
  made(change: PlannedChange, already: boolean, durationMs: number): void;
  failed(change: PlannedChange, diagnostic: Diagnostic): void;
}

/** How the steps of a part came out on one host. */
export type StepsOutcome = 'done' | 'failed' | 'interrupted';

interface Options {
  readonly host: string;
  readonly stopping: AbortSignal;
  readonly watcher: StepWatcher;
  /** True once a package was installed in this run: what was absent may be there now. */
  packagesRan: boolean;
}

function deadlineOf(step: Step): number {
  if (step.effect?.deadline === 'packages') return DEADLINES.packagesMs;
  return step.effect?.transaction === undefined ? DEADLINES.stepMs : DEADLINES.transactionMs;
}

/** Looks at resources in the middle of an apply, under the lock that is already held. */
export async function probeNow(session: Session, resources: readonly Resource[]): Promise<ReadonlyMap<string, Seen>> {
  const batch = probeBatch(resources);
  const answer = await session.exchange(batch.script(session.nonce, PROBE_SECONDS), [], {
    deadlineMs: DEADLINES.probeMs,
    doing: 'probing again',
  });
  return readSeen(batch, await withHungMounts(session, readAnswers(answer.frames)));
}

/** Why the host must stop: it is not as the plan saw it. */
export function differsFromPlan(step: Step, host: string, detail: string): Diagnostic {
  return problem(
    'resource/changed-since-plan',
    'Changed since the plan',
    `${resourceName(step.resource)} on ${host}: ${detail}`,
    {
      host,
      resource: resourceName(step.resource),
      hint: 'Make a new plan and look at it: somebody else is changing this host.',
    },
  );
}

/**
 * Takes up what is found now for a step whose state is not that of the plan: the step as it is to be made, that
 * nothing is left to do, or why the host must stop.
 */
export function revise(
  step: Step,
  seen: ReadonlyMap<string, Seen>,
  host: string,
  packagesRan: boolean,
):
  | { readonly kind: 'act'; readonly step: Step }
  | { readonly kind: 'done' }
  | { readonly kind: 'stop'; readonly diagnostic: Diagnostic } {
  const found = assess(step.resource, step.unwanted, step.isRemoval, seen);
  if (found.kind === 'as-desired') return { kind: 'done' };
  if (found.kind === 'unknown' && found.elseAsDesired) return { kind: 'done' };
  if (found.kind !== 'change')
    return { kind: 'stop', diagnostic: differsFromPlan(step, host, `it cannot be looked at: ${found.reason}.`) };
  const { difference, effect } = found;
  const revised: Step = {
    ...step,
    seen,
    effect,
    observed: seen.get(resourceKey(step.resource))?.observed ?? step.observed,
  };
  const same =
    isDeepStrictEqual(difference.fields, step.change.fields) && isDeepStrictEqual(difference.texts, step.change.texts);
  if (same) return { kind: 'act', step: revised };
  const stop = (detail: string) => ({ kind: 'stop' as const, diagnostic: differsFromPlan(step, host, detail) });
  if (step.effect !== undefined) {
    const explained = probedResources(step).every((resource) => isExplained(step, resource, seen, packagesRan));
    if (!explained) return stop('the host does not look as it did when the plan was made.');
  }
  if (graver(difference.risk, step.change.risk) !== step.change.risk)
    return stop(`its change would be a ${difference.risk}; the plan said ${step.change.risk} at most.`);
  return { kind: 'act', step: revised };
}

function probedResources(step: Step): readonly Resource[] {
  return probeBatch(probedBy(step)).groups.flatMap((group) => group.resources);
}

/** True if this one resource looks as planned, or differs in a way that the plan covers. */
function isExplained(step: Step, resource: Resource, seen: ReadonlyMap<string, Seen>, packagesRan: boolean): boolean {
  const planned = step.seen.get(resourceKey(resource))?.observed;
  const now = seen.get(resourceKey(resource))?.observed;
  if (planned === undefined || now === undefined) return false;
  if (isDeepStrictEqual(planned, now)) return true;
  if (planned.state === 'absent' && now.state === 'known' && packagesRan) return true;
  const value = (one: typeof planned) => (one.state === 'known' ? one.value : undefined);
  if (now.state === 'unknown' || planned.state === 'unknown') return false;
  if (resource.type.covers?.(resource.desired, value(planned), value(now)) === true) return true;
  return resource.type.diff(resource.desired, value(now), []) === undefined && resource.type.members === undefined;
}

/** Runs steps that are all known in one exchange. Returns how many were made, and how it ended. */
async function runBatch(session: Session, steps: readonly Step[], options: Options, mayGroup: boolean) {
  const sent = bodies();
  const { script, groups } = stepsScript(steps, sent, { nonce: session.nonce, mayGroup });
  const begins = new Set(groups.map((group) => group.first));
  let startedAt = performance.now();
  const progress: { made: number; ending: StepsOutcome | 'differs' | 'group-differs' } = { made: 0, ending: 'done' };
  const go = () => session.say(options.stopping.aborted ? 'stop' : 'go').catch(() => undefined);
  const onFrame = ({ words, payload }: Frame): void => {
    const [word, index = '', status = ''] = words;
    const step = steps[Number(index)];
    if (word === 'stopped') progress.ending = 'interrupted';
    if (step === undefined) return;
    if (word === 'begin') {
      startedAt = performance.now();
      options.watcher.started(step.change);
    } else if (word === 'differs') {
      const isAlone = groups.some((group) => group.first === Number(index) && group.steps.length === 1);
      progress.ending = isAlone ? 'differs' : 'group-differs';
    } else if (word === 'done' && status === '0') {
      progress.made += 1;
      if (step.effect?.deadline === 'packages') options.packagesRan = true;
      options.watcher.made(step.change, false, performance.now() - startedAt);
      // What was made together took the time of the first.
      startedAt = performance.now();
      if (begins.has(progress.made)) void go();
    } else if (word === 'done') {
      progress.ending = 'failed';
      options.watcher.failed(
        step.change,
        failureOf(step, options.host, Number(status), Buffer.from(payload).toString('utf8')),
      );
    }
  };
  // Each step is compared before it is made, and the last one is followed by the end of the part.
  const allowed = (step: Step | undefined) => (step === undefined ? 0 : deadlineOf(step)) + DEADLINES.probeMs;
  const deadlineMs = () => allowed(steps[progress.made]);
  const totalMs = 2 * steps.reduce((sum, step) => sum + allowed(step), 0);
  const doing = () => {
    const step = steps[progress.made];
    return step === undefined
      ? 'ending the part'
      : `making the change "${step.change.action} ${resourceName(step.resource)}"`;
  };
  // Both together: where the host is lost, both fail.
  const [answer] = await Promise.all([
    session.exchange(script, sent.contents, { deadlineMs, totalMs, doing, onFrame }),
    session.say(options.stopping.aborted ? 'stop' : 'go'),
  ]);
  const next = steps[progress.made];
  if (progress.ending === 'done' && next !== undefined) {
    progress.ending = 'failed';
    options.watcher.failed(next.change, failureOf(next, options.host, answer.status, 'The script ended early.'));
  }
  const found = progress.ending === 'differs' && next !== undefined ? recordsOf(next, answer.frames) : undefined;
  return { ...progress, found };
}

function recordsOf(step: Step, frames: readonly Frame[]): ReadonlyMap<string, Seen> {
  return readSeen(probeBatch(probedBy(step), DIFFERS_TAG), readAnswers(frames));
}

/** How often one step may find something else than it found a moment ago. */
const MOST_REVISIONS = 3;

/** Takes up what is found now of all the steps where that lets them act; the others are left for their turn. */
function refreshed(steps: readonly Step[], seen: ReadonlyMap<string, Seen>, options: Options): readonly Step[] {
  return steps.map((step) => {
    const now = revise(step, seen, options.host, options.packagesRan);
    return now.kind === 'act' ? now.step : step;
  });
}

/** Makes the steps of one part on one host, in order, in as few exchanges as the unknowns allow. */
export async function applySteps(session: Session, all: readonly Step[], options: Options): Promise<StepsOutcome> {
  let rest = all;
  let isStale = false;
  let mayGroup = true;
  const revisions = new Map<string, number>();
  /** The first step's turn has come with what was found: false means that the host must stop. */
  const turn = (seen: ReadonlyMap<string, Seen>): boolean => {
    const [first, ...others] = rest;
    if (first === undefined) return true;
    const key = resourceKey(first.resource);
    revisions.set(key, (revisions.get(key) ?? 0) + 1);
    if ((revisions.get(key) ?? 0) > MOST_REVISIONS) {
      options.watcher.failed(first.change, differsFromPlan(first, options.host, 'it looks different at every look.'));
      return false;
    }
    const now = revise(first, seen, options.host, options.packagesRan);
    if (now.kind === 'stop') {
      options.watcher.failed(first.change, now.diagnostic);
      return false;
    }
    if (now.kind === 'done') options.watcher.made(first.change, true, 0);
    rest = now.kind === 'done' ? others : [now.step, ...others];
    return true;
  };
  for (;;) {
    const [first] = rest;
    if (first === undefined) return 'done';
    if (options.stopping.aborted) return 'interrupted';
    if (isStale || first.effect === undefined) {
      // What is known already is compared on the host, just before it is changed.
      const asked = isStale ? rest : rest.filter((step) => step.effect === undefined);
      const seen = await probeNow(session, asked.flatMap(probedBy));
      isStale = false;
      rest = refreshed(rest, seen, options);
      if (!turn(seen)) return 'failed';
      continue;
    }
    const end = rest.findIndex(
      (step, index) => index > 0 && (step.effect === undefined || rest[index - 1]?.effect?.deadline === 'packages'),
    );
    const { made, ending, found } = await runBatch(session, end === -1 ? rest : rest.slice(0, end), options, mayGroup);
    isStale = rest[made - 1]?.effect?.deadline === 'packages';
    rest = rest.slice(made);
    if (ending === 'failed' || ending === 'interrupted') return ending;
    // Which of the group it was is found out one by one.
    if (ending === 'group-differs') mayGroup = false;
    if (found !== undefined && !turn(found)) return 'failed';
  }
}
