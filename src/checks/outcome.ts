import type { Duplex } from 'node:stream';

/** How one check came out. `detail` is a short sentence either way. */
export interface CheckOutcome {
  readonly ok: boolean;
  readonly detail: string;
  readonly durationMs: number;
}

/** What a check found, before its time is added. */
export type Finding = Omit<CheckOutcome, 'durationMs'>;

export const good = (detail: string): Finding => ({ ok: true, detail });
export const bad = (detail: string): Finding => ({ ok: false, detail });

/** The sentence of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs a look over a stream, within a deadline. Whatever goes wrong is a finding, nothing is thrown; the stream is
 * destroyed at the end in any case.
 * @param open opens the stream to the service, from wherever the check starts; its signal says that nobody waits any more
 * @param signal ends the check early
 */
export async function overStream(
  open: (timeUp: AbortSignal) => Promise<Duplex>,
  look: (stream: Duplex) => Promise<Finding>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const startedAt = performance.now();
  let stream: Duplex | undefined;
  const timeUp = new AbortController();
  let stop: (finding: Finding) => void = () => {};
  const stopped = new Promise<Finding>((resolve) => {
    stop = resolve;
  });
  const abort = () => stop(bad('given up'));
  const timer = setTimeout(() => stop(bad(`no answer within ${deadlineMs / 1000} s`)), deadlineMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();

  async function work(): Promise<Finding> {
    try {
      stream = await open(timeUp.signal);
      if (timeUp.signal.aborted) stream.destroy();
      // The look hears of errors through its own reading; a late one must not end farmctl.
      stream.on('error', () => {});
      return await look(stream);
    } catch (error) {
      return bad(reasonOf(error));
    }
  }

  try {
    const finding = await Promise.race([stopped, work()]);
    return { ...finding, durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    timeUp.abort();
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    stream?.destroy();
  }
}
