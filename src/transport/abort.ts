import { TransportError } from './transport.ts';

/** What an aborted signal makes every call throw. */
export function abortReason(signal: AbortSignal): TransportError {
  if (signal.reason instanceof TransportError) return signal.reason;
  return new TransportError('timeout', 'The connection was given up.', undefined, { cause: signal.reason });
}

/** @throws TransportError */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal);
}

/** The work's outcome, unless the signal comes first: then its outcome, if there is one yet, goes to `tooLate`. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, tooLate: (late: T) => void): Promise<T> {
  if (signal.aborted) work.then(tooLate, () => {});
  throwIfAborted(signal);
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => {
      reject(abortReason(signal));
      work.then(tooLate, () => {});
    };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
