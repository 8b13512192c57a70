import type { HostOutcome, HostResult } from '../engine/events.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { HostPlanState, Plan } from '../plan/plan.ts';

/** What farmctl ends with. The lists of scripts that call it depend on these: they never change. */
export const EXIT = {
  done: 0,
  usage: 1,
  drift: 2,
  failed: 3,
  unreachable: 4,
  stopped: 5,
  locked: 6,
  stale: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Several at once: the first of these wins. */
const PRECEDENCE: readonly ExitCode[] = [130, 1, 7, 5, 3, 4, 6, 2, 0];

/** The one code for several things that happened. */
export function gravest(codes: Iterable<ExitCode>): ExitCode {
  const happened = new Set(codes);
  return PRECEDENCE.find((code) => happened.has(code)) ?? EXIT.done;
}

const OUTCOMES: Readonly<Record<HostOutcome, ExitCode>> = {
  ok: EXIT.done,
  changed: EXIT.done,
  failed: EXIT.failed,
  unreachable: EXIT.unreachable,
  locked: EXIT.locked,
  // Never alone: another host failed, could not be reached or was locked, and its code says more.
  'not-attempted': EXIT.done,
  interrupted: EXIT.interrupted,
};

/** Mistakes in roles, variables and templates, and farmctl's own: not the host's fault. */
const OWN_AREAS = ['role', 'variables', 'template', 'internal'];
const OWN_CODES = ['resource/duplicate', 'resource/clash', 'resource/invalid'];

function hasOwnMistake({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }): boolean {
  return diagnostics.some(
    ({ severity, code }) =>
      severity === 'error' && (OWN_CODES.includes(code) || OWN_AREAS.includes(code.split('/')[0] ?? '')),
  );
}

/** The code of a run's results. Changes not made are never a success, whatever the reason. */
export function codeOfResults(results: readonly HostResult[]): ExitCode {
  const code = gravest(results.map((result) => (hasOwnMistake(result) ? EXIT.usage : OUTCOMES[result.outcome])));
  const isIncomplete = results.some((result) => result.outcome === 'not-attempted');
  return code === EXIT.done && isIncomplete ? EXIT.failed : code;
}

const STATES: Readonly<Record<HostPlanState, ExitCode>> = {
  planned: EXIT.done,
  refused: EXIT.failed,
  failed: EXIT.failed,
  unreachable: EXIT.unreachable,
  locked: EXIT.locked,
};

/** The code of a plan; `onChanges` is what changes count as: drift, or done where a plan is what was asked for. */
export function codeOfPlan(plan: Plan, onChanges: ExitCode): ExitCode {
  return gravest(
    plan.hosts.flatMap((host) => [
      hasOwnMistake(host) ? EXIT.usage : STATES[host.state],
      host.changes.length > 0 ? onChanges : EXIT.done,
    ]),
  );
}
