import { abortReason } from './abort.ts';
import type { TransportError } from './transport.ts';

/** The end of one connection, which comes once, whatever brings it. */
export interface Loss {
  /** Never resolves; rejects with what the connection ended by. */
  readonly lost: Promise<never>;
  /** What it ended by; undefined while it stands. */
  ended(): TransportError | undefined;
  /** Ends it; later calls do nothing. `isPolite`: with a goodbye to the other side. */
  drop(error: TransportError, isPolite?: boolean): void;
}

/**
 * @param signal ends the connection when it is aborted from now on
 * @param end ends what the connection is made of; called once, when `lost` has rejected
 */
export function lossOf(signal: AbortSignal, end: (isPolite: boolean) => void): Loss {
  let by: TransportError | undefined;
  let lose: (error: TransportError) => void = () => {};
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject;
  });
  // It may come before anybody waits for it.
  lost.catch(() => {});
  const drop = (error: TransportError, isPolite = false) => {
    if (by !== undefined) return;
    by = error;
    signal.removeEventListener('abort', abort);
    lose(error);
    end(isPolite);
  };
  const abort = () => drop(abortReason(signal));
  signal.addEventListener('abort', abort, { once: true });
  return { lost, ended: () => by, drop };
}
