import { type ManifestEntry, manifestKey } from '../plan/manifest.ts';
import type { Step } from '../plan/step.ts';
import type { Bodies } from '../remote/file-script.ts';
import { filesBatch, isPlain, type PlainOperation } from '../remote/files-batch.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';

/** The longest run of steps that is made as one: the user waits for its end when they press Ctrl-C. */
const STEPS_AT_ONCE = 50;

/** The most characters of the names of its files that a step brings into a run: all are arguments of one command. */
const JOINED_NAMES = 4096;

/** Steps that follow each other, with the index of the first; more than one are looked at and written down together. */
export interface StepGroup {
  readonly first: number;
  readonly steps: readonly Step[];
}

function mayJoin({ isRemoval, unwanted, resource, effect }: Step): boolean {
  const { probesTogether, probesApart } = resource.type;
  if (isRemoval || unwanted.length > 0 || probesTogether !== true || probesApart !== undefined) return false;
  return (
    effect !== undefined &&
    effect.before === undefined &&
    effect.transaction === undefined &&
    effect.deadline === undefined &&
    (effect.files ?? []).every(isPlain) &&
    (effect.files ?? []).reduce((sum, { path }) => sum + path.length, 0) <= JOINED_NAMES
  );
}

/** Cuts the steps into groups. What may hang, fail for good or take long stands alone. */
export function stepGroups(steps: readonly Step[], mayGroup: boolean): readonly StepGroup[] {
  const groups: { first: number; steps: Step[] }[] = [];
  for (const [index, step] of steps.entries()) {
    const last = groups.at(-1);
    const before = last?.steps[0];
    const joins = mayGroup && before !== undefined && mayJoin(before) && mayJoin(step);
    if (joins && last !== undefined && last.steps.length < STEPS_AT_ONCE) last.steps.push(step);
    else groups.push({ first: index, steps: [step] });
  }
  return groups;
}

/** Steps of a group that follow each other and make files by themselves: one piece of work. Others are a piece each. */
export function pieces({ steps, first }: StepGroup): readonly StepGroup[] {
  const found: { first: number; steps: Step[] }[] = [];
  for (const [index, step] of steps.entries()) {
    const last = found.at(-1);
    const before = last?.steps[0];
    if (last !== undefined && before !== undefined && goTogether(before, step)) last.steps.push(step);
    else found.push({ first: first + index, steps: [step] });
  }
  return found;
}

/** Only files; or files and a script, next to the same kind of thing, whose scripts then follow all their files. */
function goTogether(before: Step, step: Step): boolean {
  if (!makesFiles(before) || !makesFiles(step)) return false;
  const isSame = (before.effect?.script === undefined) === (step.effect?.script === undefined);
  return isSame && (step.effect?.script === undefined || before.resource.type === step.resource.type);
}

/** True where the step can be made by a batch of files. */
export function makesFiles({ effect }: Step): boolean {
  return (
    effect?.files !== undefined &&
    effect.files.length > 0 &&
    effect.files.every(isPlain) &&
    effect.before === undefined &&
    effect.input === undefined
  );
}

/**
 * Manifest entries, all flushed together.
 * @param isFlushedLater what follows flushes FLUSHED_BEFORE before it changes what is there
 */
export function manifestScript(entries: readonly ManifestEntry[], isFlushedLater: boolean): Script {
  if (entries.length === 0) return new Script(':');
  const fresh = '"$S"/manifest.new';
  return joinScripts([
    new Script(`for f in ${fresh}/*; do clear "$f" || exit 1; done`),
    ...entries.map(
      (entry) => sh`printf '%s\n' ${JSON.stringify(entry)} >"$S"/manifest.new/${manifestKey(entry)} || exit 1`,
    ),
    new Script(
      `sync -- ${fresh}/* && mv -f -t "$S/manifest" -- ${fresh}/*${isFlushedLater ? '' : ' && sync -- "$S/manifest"'} || exit 1`,
    ),
  ]);
}

/**
 * True where all that the step does first is to stage: FLUSHED_BEFORE is flushed before it changes what is there. A
 * directory that is missing may be made before that.
 */
export function stagesFirst({ effect }: Step): boolean {
  const { before, files = [], script, transaction } = effect ?? {};
  if (before !== undefined) return false;
  if (files.length > 0) return files.every(({ kind }) => kind === 'file' || kind === 'symlink');
  return script === undefined && transaction?.operations.some(({ kind }) => kind !== 'restoreKept') === true;
}

/** The files of a piece and then its scripts: see filesBatch. */
export function filesOfPiece(steps: readonly Step[], sent: Bodies, report: string): Script {
  const operations = steps.map((step) =>
    (step.effect?.files ?? []).filter((one): one is PlainOperation => isPlain(one)),
  );
  const scripts = steps.flatMap(({ effect }, index) =>
    effect?.script === undefined
      ? []
      : [
          new Script(`at=${index}
(
${effect.script.text}
) || bad
swapped=${index + 1}`),
        ],
  );
  const files = filesBatch(operations, sent, report);
  // With a script a step is finished only after it.
  return scripts.length === 0 ? files : joinScripts([files, new Script('swapped=0'), ...scripts]);
}
