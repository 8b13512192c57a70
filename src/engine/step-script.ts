import { randomHex } from '../lib/digest.ts';
import type { Content } from '../model/content.ts';
import { manifestKey } from '../plan/manifest.ts';
import { probeBatch, probeToken } from '../plan/observe.ts';
import { probedBy, type Step } from '../plan/step.ts';
import { type Bodies, fileScript } from '../remote/file-script.ts';
import { TRANSACTION_FUNCTIONS } from '../remote/journal-functions.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { STATE_FUNCTIONS } from '../remote/state-functions.ts';
import { transactionScript } from '../remote/transaction.ts';
import { PROBE_SECONDS } from './deadlines.ts';

/** Where a step's commands print; its end is sent when they fail. On a tmpfs, so that a full disk does not hide why. */
export const LOG_PATH = '/run/farmctl-log';

/** Tag of the probe that follows when something else was found than planned. */
export const DIFFERS_TAG = 'now';

function manifestScript(step: Step): { readonly before: Script; readonly after: Script } {
  const wanted = step.isRemoval ? [] : step.entries.filter((entry) => !isUnwanted(step, entry));
  const dropped = step.entries.filter((entry) => !wanted.includes(entry));
  return {
    before: joinScripts(
      wanted.map((entry) => sh`manifest_add ${manifestKey(entry)} ${JSON.stringify(entry)} || exit 1`),
    ),
    after: joinScripts(dropped.map((entry) => sh`manifest_drop ${manifestKey(entry)} || exit 1`)),
  };
}

function isUnwanted(step: Step, entry: { readonly type: string; readonly id: string }): boolean {
  return step.unwanted.some((one) => one.type.type === entry.type && one.id === entry.id);
}

function effectScript(step: Step, sent: Bodies, marker: string): Script {
  const { before, files = [], script, input, transaction } = step.effect ?? {};
  const guarded = (one: Script | undefined, given?: Content) => {
    const from = given === undefined ? '' : `<"$B"/${sent.add(given)} `;
    return one === undefined ? [] : [new Script(`(\n${one.text}\n) ${from}|| exit $?`)];
  };
  return joinScripts([
    ...guarded(before),
    fileScript(files, sent),
    ...guarded(script, input),
    ...(transaction === undefined ? [] : [transactionScript(transaction, sent, marker)]),
  ]);
}

/**
 * The script of several steps. Each waits for the word `go` from the controller, probes once more and compares with
 * what the plan saw; equal: it acts. Frames: `begin K`, then `done K STATUS` with the end of the output where it
 * failed, or the records of what was found instead and `differs K`. It ends at the first step that was not done.
 */
export function stepsScript(steps: readonly Step[], sent: Bodies, nonce: string): Script {
  const functions = new Script(`${STATE_FUNCTIONS}${TRANSACTION_FUNCTIONS}`);
  const each = steps.map((step, index) => {
    const batch = probeBatch(probedBy(step), DIFFERS_TAG);
    const probe = batch.script(nonce, PROBE_SECONDS);
    const expected = probeToken(batch, step.seen, nonce);
    const { before, after } = manifestScript(step);
    const body = joinScripts([before, effectScript(step, sent, `${nonce}${randomHex(4)}`), after]);
    return new Script(`read -r go || exit 1
[ "$go" = go ] || { frame stopped; exit 0; }
frame begin ${index}
frame .
probe_again() {
${probe.text}
}
found=$({ probe_again; } 3>&1 | sha256sum)
if [ "\${found%% *}" != ${expected} ]; then
  probe_again
  frame differs ${index}
  exit 0
fi
( umask 077; : >${LOG_PATH} )
(
${body.text}
) >${LOG_PATH} 2>&1 </dev/null
r=$?
frame "done ${index} $r"
[ "$r" -eq 0 ] || { tail -c 4000 ${LOG_PATH} >&3; exit 0; }
frame .`);
  });
  return joinScripts([functions, ...each]);
}

/** Before any package is installed: the manifest entry and the mask of each unit whose configuration is to come. */
export function preparationScript(steps: readonly Step[]): Script {
  return joinScripts([
    new Script(STATE_FUNCTIONS),
    ...steps.flatMap((step) => {
      const prepared = step.resource.type.prepare?.(step.resource.desired);
      const [own] = step.entries;
      if (prepared === undefined || own === undefined) return [];
      return [
        sh`manifest_add ${manifestKey(own)} ${JSON.stringify(own)} || exit 1`,
        new Script(`{ ${prepared.script.text}; } </dev/null || exit 1`),
      ];
    }),
  ]);
}
