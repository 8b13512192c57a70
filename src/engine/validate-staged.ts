import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceName } from '../plan/desired.ts';
import type { Step } from '../plan/step.ts';
import { type Bodies, bodies } from '../remote/file-script.ts';
import { payloadText } from '../remote/frame.ts';
import { NOT_OVERLAID, overlaidScript } from '../remote/overlay.ts';
import { isTimedOut } from '../remote/record.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { DEADLINES } from './deadlines.ts';
import type { Session } from './session.ts';

const NO_CHECKER = 96;
const CHECKER_SECONDS = 30;

/** What the checkers said of the sets that are about to change, before anything is touched. */
export interface StagedVerdict {
  /** Steps whose set was refused, with the diagnostic: a note where something earlier on the host is pending. */
  readonly refused: ReadonlyMap<Step, Diagnostic>;
}

function canBeChecked(step: Step): boolean {
  const transaction = step.effect?.transaction;
  return transaction?.validate !== undefined && transaction.operations.length > 0;
}

/**
 * Lets each service's own checker read the new set, in a private mount namespace whose files exist nowhere else: one
 * more exchange, or three where contents travel as bodies, and only where a set changes. Nothing on the host is changed.
 */
export async function validateStaged(session: Session, steps: readonly Step[], host: string): Promise<StagedVerdict> {
  const checked = steps.filter(canBeChecked);
  const refused = new Map<Step, Diagnostic>();
  if (checked.length === 0) return { refused };
  const options = { deadlineMs: DEADLINES.checkerMs, doing: 'letting the checkers read the new configuration' };
  const sent = bodies();
  const script = joinScripts(checked.map((step, index) => checkScript(step, index, sent, session.nonce)));
  const isEntered = sent.contents.length > 0;
  const notEntered = isEntered
    ? await session.enter(apart(session.nonce), new Script('BODIES=/tmp'), options)
    : undefined;
  if (notEntered !== undefined) {
    const output = payloadText(notEntered.frames, 'said')?.trim() ?? '';
    for (const step of checked) {
      const rest = { host, resource: resourceName(step.resource), output };
      refused.set(step, verdictOf(step, undefined, NOT_OVERLAID, rest));
    }
    return { refused };
  }
  const answer = await session.exchange(script, sent.contents, options);
  if (isEntered) await session.leave(options);
  for (const { words, payload } of answer.frames) {
    if (words[0] !== 'checked') continue;
    const step = checked[Number(words[1])];
    const status = Number(words[2]);
    if (step === undefined || status === 0 || status === NO_CHECKER) continue;
    const said = Buffer.from(payload).toString('utf8').trim();
    const pending = steps[steps.indexOf(step) - 1];
    refused.set(step, verdictOf(step, pending, status, { host, resource: resourceName(step.resource), output: said }));
  }
  return { refused };
}

/** For contents that travel as bodies: there they lie in memory, where nobody else sees them. */
function apart(nonce: string): (shell: Script) => Script {
  return (shell) =>
    new Script(`unshare -m --propagation slave sh /dev/fd/8 8<<'${nonce}in'
mount -t tmpfs -o mode=0700 farmctl /tmp || exit ${NOT_OVERLAID}
${shell.text}
${nonce}in
r=$?
# What it said itself is lost: its output is the session's.
[ $r -eq 0 ] || said=$(unshare -m --propagation slave true 2>&1) || { frame said; printf %s "$said" >&3; frame .; }
exit $r`);
}

/** One service's checker reads its new set. Frame `checked INDEX STATUS`, with what it said where that is not 0. */
function checkScript(step: Step, index: number, sent: Bodies, nonce: string): Script {
  const transaction = step.effect?.transaction;
  if (transaction?.validate === undefined) return new Script(':');
  const { operations, validate } = transaction;
  const checkers = transaction.checkers.map((path) => sh`[ -x ${path} ] || exit ${NO_CHECKER}`);
  const run = overlaidScript(operations, sent, validate, CHECKER_SECONDS, `${nonce}c${index}x`);
  return new Script(`said=$( (
${joinScripts([...checkers, run]).text}
) 2>&1 </dev/null )
r=$?
frame "checked ${index} $r"
[ $r -eq 0 ] || printf '%s' "$said" | tail -c 4000 >&3
frame .`);
}

/** What a checker's exit status other than 0 means for the plan. The host is no part of the words: what is the same on many is told once. */
function verdictOf(
  step: Step,
  pending: Step | undefined,
  status: number,
  rest: { readonly host: string; readonly resource: string; readonly output: string },
): Diagnostic {
  const checker = `The checker of ${step.resource.id}`;
  if (status === NOT_OVERLAID)
    return problem(
      'service/not-validated',
      'Configuration could not be validated',
      `${checker} could not be shown the new configuration; it is tried again at apply.`,
      { ...rest, severity: 'note' },
    );
  if (isTimedOut({ status }))
    return problem('service/checker-timeout', 'Checker did not end', `${checker} did not end in time.`, {
      ...rest,
      hint: 'Look at the host: a hung mount or name server may hold it. Then run the same command again.',
    });
  if (pending === undefined)
    return problem(
      'service/refused-configuration',
      'Configuration refused',
      `${checker} refuses the new configuration (status ${status}). Nothing was changed.`,
      { ...rest, hint: 'Correct what it names, then plan again.' },
    );
  return problem(
    'service/refused-for-now',
    'Configuration not accepted yet',
    `${checker} refuses the new configuration as the host is now; it is validated again after ${pending.change.type} ${pending.change.title}.`,
    { ...rest, severity: 'note' },
  );
}
