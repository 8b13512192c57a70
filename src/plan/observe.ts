import { sha256OfAll } from '../lib/digest.ts';
import { isTimedOut, type ProbeAnswers } from '../remote/record.ts';
import { type Script, sh } from '../remote/sh.ts';
import type { Observed, ProbeRecord, Resource } from '../resource/define.ts';
import { textOf } from '../resource/types/file-state.ts';
import { resourceKey, withMembers } from './desired.ts';
import { probeScript, type TypeProbe } from './probe-script.ts';

/** What a probe brought of one resource. */
export interface Seen {
  readonly observed: Observed<unknown>;
  /** Undefined if no record came. */
  readonly record: ProbeRecord | undefined;
}

/** Resources of one host, sorted by type: one probe script a type, each with its tag. */
export interface ProbeBatch {
  readonly groups: ReadonlyArray<{ readonly tag: string; readonly resources: readonly Resource[] }>;
  /** @param more probes that are none of a resource */
  script(nonce: string, secondsPerType: number, more?: readonly TypeProbe[]): Script;
}

/** The probes of the resources and their members; a resource that is named twice is looked at once. */
export function probeBatch(resources: readonly Resource[], tagPrefix = 't'): ProbeBatch {
  const byType = new Map<string, Map<string, Resource>>();
  for (const one of resources.flatMap(withMembers)) {
    const group = byType.get(one.type.type) ?? new Map<string, Resource>();
    byType.set(one.type.type, group.set(resourceKey(one), group.get(resourceKey(one)) ?? one));
  }
  // The order of the groups is that of their frames: those that share a shell come first.
  const isTogether = (group: ReadonlyMap<string, Resource>) =>
    [...group.values()].every(
      ({ type, desired }) => type.probesTogether === true && type.probesApart?.(desired) !== true,
    );
  const sorted = [...byType.values()].sort((a, b) => Number(isTogether(b)) - Number(isTogether(a)));
  const groups = sorted.map((group, index) => ({ tag: `${tagPrefix}${index}`, resources: [...group.values()] }));
  const together = new Set(groups.flatMap(({ tag }, index) => (isTogether(sorted[index] ?? new Map()) ? [tag] : [])));
  return {
    groups,
    script: (nonce, seconds, more = []) => {
      const probes = groups.flatMap(({ tag, resources: all }) => {
        const [first] = all;
        if (first === undefined) return [];
        const script = first.type.probe(all.map((one) => one.desired));
        return [{ tag, script, isTogether: together.has(tag) }];
      });
      return probeScript([...probes, ...more], nonce, seconds);
    },
  };
}

/** Why a probe did not end well, in the host's words. */
export function reasonOf(failure: { readonly status: number; readonly output: string }): string {
  const said = failure.output.trim();
  const how = isTimedOut(failure) ? 'timed out' : `ended with status ${failure.status}`;
  return said === '' ? how : `${how}: ${said}`;
}

/** Sorts a batch's answers by resource. A record that did not come is unknown, with the reason. */
export function readSeen(batch: ProbeBatch, answers: ProbeAnswers): ReadonlyMap<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { tag, resources } of batch.groups) {
    const failure = answers.failures.get(tag);
    for (const [index, resource] of resources.entries()) {
      const record = answers.records.get(tag)?.get(index);
      seen.set(resourceKey(resource), { record, observed: observedOf(resource, record, failure) });
    }
  }
  return seen;
}

function observedOf(
  resource: Resource,
  record: ProbeRecord | undefined,
  failure: { status: number; output: string } | undefined,
): Observed<unknown> {
  if (record === undefined) {
    if (failure === undefined) return { state: 'unknown', reason: 'the probe said nothing of it' };
    return { state: 'unknown', reason: `the probe ${reasonOf(failure)}` };
  }
  if (record.has('unknown')) return { state: 'unknown', reason: record.text('unknown') };
  return resource.type.parse(record, resource.desired);
}

/** The most bytes of frames that are compared as they are. */
const SHORT_FRAMES = 16 * 1024;

/**
 * A test, for the host just before a change, that `probe` prints of these resources what it printed when they were seen:
 * the same frames, byte for byte. Few of them are compared by the shell itself, many by their digest. Its status is that
 * of the comparison.
 */
export function stillAsSeen(probe: Script, batch: ProbeBatch, seen: ReadonlyMap<string, Seen>, nonce: string): Script {
  const frames = [...framesOf(batch, seen, nonce)];
  const size = frames.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  // Also, a shell's variable holds no NUL, and no newlines at its end.
  const text = size <= SHORT_FRAMES ? textOf(Buffer.concat(frames.map((one) => Buffer.from(one)))) : undefined;
  return text === undefined
    ? sh`[ "$( { ${probe}; } 3>&1 | sha256sum )" = ${`${sha256OfAll(frames)}  -`} ]`
    : sh`[ "$( { ${probe}; } 3>&1; echo . )" = ${`${text}.`} ]`;
}

function* framesOf(batch: ProbeBatch, seen: ReadonlyMap<string, Seen>, nonce: string): Generator<string | Uint8Array> {
  for (const { tag, resources } of batch.groups)
    for (const [index, resource] of resources.entries()) {
      const record = seen.get(resourceKey(resource))?.record;
      if (record === undefined) continue;
      yield `\n@${nonce} record ${tag} ${index}\n`;
      for (const [name, value] of record.fields) {
        yield `\n@${nonce} field ${name}\n`;
        yield value;
      }
      yield `\n@${nonce} end\n`;
    }
}
