import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceName } from '../plan/desired.ts';
import type { Step } from '../plan/step.ts';
import { bodies } from '../remote/file-script.ts';
import { NOT_OVERLAID, overlaidScript } from '../remote/overlay.ts';
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
 * more exchange or two, and only where a set changes. Nothing on the host is changed.
 */
export async function validateStaged(session: Session, steps: readonly Step[], host: string): Promise<StagedVerdict> {
  const checked = steps.filter(canBeChecked);
  const refused = new Map<Step, Diagnostic>();
  if (checked.length === 0) return { refused };
  const options = { deadlineMs: DEADLINES.checkerMs, doing: 'letting the checkers read the new configuration' };
  const marker = session.nonce;
  const inside = (shell: Script) =>
    new Script(`unshare -m --propagation slave sh /dev/fd/8 8<<'${marker}in'
mount -t tmpfs -o mode=0700 farmctl /tmp || exit ${NOT_OVERLAID}
${shell.text}
${marker}in`);
  const notEntered = await session.enter(inside, new Script('BODIES=/tmp'), options);
  if (notEntered !== undefined) return { refused };
  const sent = bodies();
  const scripts = checked.map((step, index) => {
    const transaction = step.effect?.transaction;
    if (transaction?.validate === undefined) return new Script(':');
    const checkers = transaction.checkers.map((path) => sh`[ -x ${path} ] || exit ${NO_CHECKER}`);
    const run = overlaidScript(
      transaction.operations,
      sent,
      transaction.validate,
      CHECKER_SECONDS,
      `${marker}c${index}x`,
    );
    return new Script(`said=$( (
${joinScripts([...checkers, run]).text}
) 2>&1 </dev/null )
r=$?
frame "checked ${index} $r"
printf '%s' "$said" | tail -c 4000 >&3`);
  });
  const answer = await session.exchange(joinScripts(scripts), sent.contents, options);
  await session.leave(options);
  for (const { words, payload } of answer.frames) {
    if (words[0] !== 'checked') continue;
    const step = checked[Number(words[1])];
    const status = Number(words[2]);
    if (step === undefined || status === 0 || status === NO_CHECKER || status === NOT_OVERLAID) continue;
    const earlier = steps[steps.indexOf(step) - 1];
    const pending = earlier === undefined ? undefined : steps[0];
    const said = Buffer.from(payload).toString('utf8').trim();
    const resource = resourceName(step.resource);
    refused.set(
      step,
      pending === undefined
        ? problem(
            'service/refused-configuration',
            'Configuration refused',
            `The checker of ${step.resource.id} on ${host} refuses the new configuration (status ${status}). Nothing was changed.`,
            {
              host,
              resource,
              output: said,
              hint: 'Correct what it names, then plan again.',
            },
          )
        : problem(
            'service/refused-for-now',
            'Configuration not accepted yet',
            `The checker of ${step.resource.id} on ${host} refuses the new configuration as the host is now; it is validated again after ${pending.change.type} ${pending.change.title}.`,
            {
              severity: 'note',
              host,
              resource,
              output: said,
            },
          ),
    );
  }
  return { refused };
}
