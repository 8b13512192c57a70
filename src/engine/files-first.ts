import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceKey } from '../plan/desired.ts';
import { assess, probedBy, type Step } from '../plan/step.ts';
import { TRANSACTION_FUNCTIONS } from '../remote/journal-functions.ts';
import { joinScripts, Script } from '../remote/sh.ts';
import { STATE_FUNCTIONS } from '../remote/state-functions.ts';
import { takeBackScript } from '../remote/transaction.ts';
import { graver } from '../resource/change.ts';
import { applySteps, differsFromPlan, probeNow, type StepsOutcome, type StepWatcher } from './apply-steps.ts';
import { DEADLINES } from './deadlines.ts';
import { hostFailure } from './failure.ts';
import { fail, type HostRun, stepsOf } from './host-run.ts';
import type { RunOptions } from './run.ts';
import { workOnPart } from './work-on-part.ts';

/**
 * Of a part with `filesFirst`: its steps up to the first that lets a running process take new files. None where there is
 * no such step, or where something that must wait for its turn comes before it.
 */
export function stepsAhead(steps: readonly Step[]): readonly Step[] {
  const at = steps.findIndex((step) => step.change.risk !== 'none');
  const transaction = steps[at]?.effect?.transaction;
  if (transaction === undefined || !transaction.wasActive || transaction.operations.length === 0) return [];
  return transaction.process === 'reload' || transaction.process === 'restart' ? steps.slice(0, at + 1) : [];
}

/** What went ahead is told of as a change only once the process has taken it. */
function tellingNoChange(watcher: StepWatcher, { change: silent }: Step): StepWatcher {
  return {
    started: (change) => (change === silent ? undefined : watcher.started(change)),
    made: (change, already, durationMs) =>
      change === silent && !already ? undefined : watcher.made(change, already, durationMs),
    failed: watcher.failed,
  };
}

/** Makes the files of the part, ahead of its process: what is left of its steps is then the rest. Never throws. */
export async function sendFilesAhead(
  run: HostRun,
  part: string,
  options: RunOptions,
  watcher: StepWatcher,
): Promise<StepsOutcome> {
  const ahead = stepsAhead(stepsOf(run, part));
  const last = ahead.at(-1);
  const unit = last?.effect?.transaction?.unit;
  if (last === undefined || unit === undefined) return 'done';
  return workOnPart(run, part, options, async (session) => {
    const { name: host } = run.host;
    const { packagesRan } = run;
    const telling = tellingNoChange(watcher, last);
    const applying = { host, stopping: options.stopping, watcher: telling, packagesRan };
    const outcome = await applySteps(session, [...ahead.slice(0, -1), { ...last, goesAhead: true }], applying);
    run.packagesRan = applying.packagesRan;
    if (outcome !== 'done') return outcome;
    run.filesAhead.set(part, unit);
    const seen = await probeNow(session, probedBy(last));
    const found = assess(last.resource, last.unwanted, false, seen);
    const rest: Step[] = [];
    if (found.kind === 'change' && graver(found.difference.risk, last.change.risk) === last.change.risk) {
      const observed = seen.get(resourceKey(last.resource))?.observed ?? last.observed;
      rest.push({ ...last, seen, observed, effect: found.effect });
    } else if (found.kind !== 'as-desired') {
      watcher.failed(last.change, differsFromPlan(last, host, 'it is not as its files were left a moment ago.'));
      await takeFilesBack(run, part, options);
      return 'failed';
    }
    run.steps = run.steps.flatMap((step) => (step === last ? rest : ahead.includes(step) ? [] : [step]));
    return 'done';
  });
}

/** Gives the host the old files back where its process does not get its turn. Never throws. */
export async function takeFilesBack(run: HostRun, part: string, options: RunOptions): Promise<void> {
  const unit = run.filesAhead.get(part);
  if (unit === undefined || run.session === undefined) return;
  try {
    const functions = new Script(`${STATE_FUNCTIONS}${TRANSACTION_FUNCTIONS}`);
    const quietly = new Script(`(\n${takeBackScript(unit).text}\n) >/dev/null 2>&1 </dev/null`);
    const { status } = await run.session.exchange(joinScripts([functions, quietly]), [], {
      deadlineMs: DEADLINES.stepMs,
      doing: 'taking files back',
    });
    if (status !== 0) run.failure ??= { outcome: 'failed', diagnostic: notTakenBack(unit, run.host.name) };
  } catch (error) {
    fail(run, hostFailure(error, run.host.name, true), options);
  }
}

function notTakenBack(unit: string, host: string): Diagnostic {
  return problem(
    'service/broken',
    'Change could not be taken back',
    `The new files of ${unit} lie on ${host}, its process has not loaded them, and the old ones could not be brought back.`,
    { host, hint: 'The next apply goes on from there.' },
  );
}
