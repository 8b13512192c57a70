import { randomHex } from '../lib/digest.ts';
import type { Content } from '../model/content.ts';
import { resourceKey } from '../plan/desired.ts';
import { manifestKey } from '../plan/manifest.ts';
import { probeBatch, type Seen, stillAsSeen } from '../plan/observe.ts';
import { probedBy, type Step } from '../plan/step.ts';
import type { Bodies } from '../remote/file-script.ts';
import { TRANSACTION_FUNCTIONS } from '../remote/journal-functions.ts';
import { fileScript } from '../remote/many-files.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { STATE_FUNCTIONS } from '../remote/state-functions.ts';
import { transactionScript } from '../remote/transaction.ts';
import { PROBE_SECONDS } from './deadlines.ts';
import {
  filesOfPiece,
  makesFiles,
  manifestScript,
  pieces,
  type StepGroup,
  stagesFirst,
  stepGroups,
} from './step-groups.ts';

/** Where a step's commands print; its end is sent when they fail. On a tmpfs, so that a full disk does not hide why. */
export const LOG_PATH = '/run/farmctl-log';

/** Tag of the probe that follows when something else was found than planned. */
export const DIFFERS_TAG = 'now';

function manifestScripts(step: Step): { readonly before: Script; readonly after: Script } {
  const wanted = step.isRemoval ? [] : step.entries.filter((entry) => !isUnwanted(step, entry));
  const dropped = step.entries.filter((entry) => !wanted.includes(entry));
  return {
    before: manifestScript(wanted, stagesFirst(step)),
    // What went ahead may be taken back: then all of it is still there.
    after: joinScripts(
      (step.goesAhead ? [] : dropped).map((entry) => sh`manifest_drop ${manifestKey(entry)} || exit 1`),
    ),
  };
}

function isUnwanted(step: Step, entry: { readonly type: string; readonly id: string }): boolean {
  return step.unwanted.some((one) => one.type.type === entry.type && one.id === entry.id);
}

function effectScript(step: Step, sent: Bodies, marker: string): Script {
  const { before, files = [], script, input, transaction } = step.effect ?? {};
  const { goesAhead = false } = step;
  const guarded = (one: Script | undefined, given?: Content) => {
    const from = given === undefined ? '' : `<"$B"/${sent.add(given)} `;
    return one === undefined ? [] : [new Script(`(\n${one.text}\n) ${from}|| exit $?`)];
  };
  return joinScripts([
    ...guarded(before),
    fileScript(files, sent),
    ...guarded(script, input),
    ...(transaction === undefined ? [] : [transactionScript({ ...transaction, goesAhead }, sent, marker)]),
    // Some changes are made by being written down: an empty subshell would be a syntax error.
    new Script(':'),
  ]);
}

/** Where a piece of several steps says which of them failed. */
const REPORT_PATH = `${LOG_PATH}-at`;

/** What is sent for several steps, and the steps before which the script waits for a word. */
export interface StepsScript {
  readonly script: Script;
  readonly groups: readonly StepGroup[];
}

/**
 * The script of several steps, in groups. Each group waits for the word `go` from the controller, probes once more and
 * compares with what the plan saw; equal: it acts. Frames: `begin K`, then `done K STATUS` with the end of the output
 * where it failed, or the records of what was found instead and `differs K`. It ends at the first step that was not
 * done. A group of several steps says `differs K` without records.
 * @param mayGroup false: each step is a group of its own
 */
export function stepsScript(
  steps: readonly Step[],
  sent: Bodies,
  { nonce, mayGroup }: { nonce: string; mayGroup: boolean },
): StepsScript {
  const groups = stepGroups(steps, mayGroup);
  const functions = new Script(`${STATE_FUNCTIONS}${TRANSACTION_FUNCTIONS}`);
  return { groups, script: joinScripts([functions, ...groups.map((group) => groupScript(group, sent, nonce))]) };
}

function groupScript(group: StepGroup, sent: Bodies, nonce: string): Script {
  const { first, steps } = group;
  const batch = probeBatch(steps.flatMap(probedBy), DIFFERS_TAG);
  const seen = new Map(steps.flatMap(ownSeen));
  const isAlone = steps.length === 1;
  const body = isAlone
    ? steps.map((step) => singleScript(step, first, sent, nonce))
    : [manifestStep(group), ...pieces(group).map((piece) => pieceScript(piece, sent, nonce))];
  return new Script(`read -r go || exit 1
[ "$go" = go ] || { frame stopped; exit 0; }
${isAlone ? `frame begin ${first}\nframe .` : ''}
probe_again() {
${batch.script(nonce, PROBE_SECONDS).text}
}
${stillAsSeen(sh`probe_again`, batch, seen, nonce).text} || {
  ${isAlone ? 'probe_again' : ':'}
  frame differs ${first}
  exit 0
}
umask 077
true >|${LOG_PATH}
umask 022
${joinScripts(body).text}`);
}

/** What the plan saw of the step itself: of the others it may know less than they do. */
function ownSeen(step: Step): [string, Seen][] {
  const resources = probeBatch(probedBy(step)).groups.flatMap((group) => group.resources);
  return resources.flatMap((resource) => {
    const key = resourceKey(resource);
    const seen = step.seen.get(key);
    return seen === undefined ? [] : [[key, seen] as [string, Seen]];
  });
}

/** Runs it with its output in the log, and tells how step K came out. */
function logged(body: Script, index: number): Script {
  return new Script(`(
${body.text}
) >${LOG_PATH} 2>&1 </dev/null
r=$?
${told(index)}`);
}

function told(index: number): string {
  return `frame "done ${index} $r"
[ "$r" -eq 0 ] || { tail -c 4000 ${LOG_PATH} >&3; exit 0; }
frame .`;
}

function singleScript(step: Step, index: number, sent: Bodies, nonce: string): Script {
  const { before, after } = manifestScripts(step);
  return logged(joinScripts([before, effectScript(step, sent, `${nonce}${randomHex(4)}`), after]), index);
}

function manifestStep(group: StepGroup): Script {
  const { steps, first } = group;
  const isFlushedLater = pieces(group)[0]?.steps.every(stagesFirst) === true;
  const entries = steps.flatMap((step) => step.entries);
  return new Script(`(
${manifestScript(entries, isFlushedLater).text}
) >${LOG_PATH} 2>&1 </dev/null || { r=$?; frame begin ${first}; frame "done ${first} $r"; tail -c 4000 ${LOG_PATH} >&3; exit 0; }`);
}

function pieceScript({ first, steps }: StepGroup, sent: Bodies, nonce: string): Script {
  const [only] = steps;
  if (only !== undefined && !makesFiles(only))
    return new Script(`frame begin ${first}
frame .
${logged(effectScript(only, sent, `${nonce}${randomHex(4)}`), first).text}`);
  const tell = (text: string) =>
    `k=${first}; while [ $k -lt ${text} ]; do frame "done $k 0"; frame .; k=$((k + 1)); done`;
  return new Script(`k=${first}; while [ $k -lt ${first + steps.length} ]; do frame "begin $k"; frame .; k=$((k + 1)); done
(
${filesOfPiece(steps, sent, REPORT_PATH).text}
) >${LOG_PATH} 2>&1 </dev/null
r=$?
if [ "$r" -ne 0 ]; then
  at=0 swapped=0
  [ ! -s ${REPORT_PATH} ] || read -r at swapped <${REPORT_PATH}
  ${tell(`$((${first} + swapped))`)}
  at=$((${first} + at))
  frame "done $at $r"
  tail -c 4000 ${LOG_PATH} >&3
  exit 0
fi
${tell(String(first + steps.length))}`);
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
