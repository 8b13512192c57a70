import type { ProbeRecord } from '../resource/define.ts';
import type { Frame } from './frame.ts';

/** A script of one exchange that did not end with 0. */
export interface ProbeFailure {
  /** 124 and 137 mean that its time was up. */
  readonly status: number;
  /** The end of what it printed. */
  readonly output: string;
}

/** True where a script was ended because its time was up. */
export function isTimedOut({ status }: { readonly status: number }): boolean {
  return status === 124 || status === 137;
}

/** What the probes of one exchange said, by the tag of each. */
export interface ProbeAnswers {
  /** Tag, then index of the resource in the probe's list. Only whole records are here. */
  readonly records: ReadonlyMap<string, ReadonlyMap<number, ProbeRecord>>;
  readonly failures: ReadonlyMap<string, ProbeFailure>;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Text of bytes from a host: UTF-8, invalid bytes replaced, a byte order mark kept. */
function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

const NO_BYTES = new Uint8Array();

/** A record of these fields; a name that came twice has its last value. */
export function probeRecord(fields: ReadonlyMap<string, Uint8Array>): ProbeRecord {
  return {
    fields,
    has: (name) => fields.has(name),
    text: (name) => decode(fields.get(name) ?? NO_BYTES),
    bytes: (name) => fields.get(name) ?? NO_BYTES,
  };
}

/**
 * Sorts the frames of one exchange into records. A record that was not ended (its script was killed) is left out, and
 * frames that are no part of a probe are passed over.
 */
export function readAnswers(frames: Iterable<Frame>): ProbeAnswers {
  const records = new Map<string, Map<number, ProbeRecord>>();
  const failures = new Map<string, ProbeFailure>();
  let open: { tag: string; index: number; fields: Map<string, Uint8Array> } | undefined;
  for (const { words, payload } of frames) {
    const [kind, first = '', second = ''] = words;
    if (kind === 'record') {
      open = { tag: first, index: Number(second), fields: new Map() };
    } else if (kind === 'field') {
      open?.fields.set(first, payload);
    } else if (kind === 'end') {
      if (open === undefined) continue;
      const ofTag = records.get(open.tag) ?? new Map<number, ProbeRecord>();
      records.set(open.tag, ofTag.set(open.index, probeRecord(open.fields)));
      open = undefined;
    } else {
      open = undefined;
      if (kind === 'failed') failures.set(first, { status: Number(second), output: decode(payload) });
    }
  }
  return { records, failures };
}
