import { setTimeout as sleep } from 'node:timers/promises';

/** Slots for handshakes. `acquire` resolves with a function that gives the slot back (once; later calls do nothing). */
export interface Slots {
  acquire(signal: AbortSignal): Promise<() => void>;
}

/**
 * A host that is silent keeps its slot no longer than this, so that dead hosts do not hold up the living. A handshake
 * is far shorter.
 */
const LEASE_MS = 2000;

/** At most `count` handshakes at once, first come, first served. */
export function handshakeSlots(count: number, leaseMs: number = LEASE_MS): Slots {
  let free = count;
  const waiting: (() => void)[] = [];

  function give(): () => void {
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      clearTimeout(timer);
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    };
    const timer = setTimeout(release, leaseMs);
    timer.unref();
    return release;
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return give();
      }
      await new Promise<void>((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener('abort', abort);
          resolve();
        };
        const abort = () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal.reason);
        };
        waiting.push(turn);
        signal.addEventListener('abort', abort, { once: true });
      });
      return give();
    },
  };
}

/** One attempt's end: what it was for, or an error that a busy sshd (MaxStartups) may have caused. */
export type Attempt<T> = { readonly value: T } | { readonly busy: Error };

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1500;

/**
 * Tries until it works, fails for good, or the signal says that time is up; then the last error is thrown. Pauses grow
 * and are spread at random, so that many hosts behind one sshd do not come back together.
 */
export async function retryBusy<T>(attempt: () => Promise<Attempt<T>>, timeUp: AbortSignal): Promise<T> {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const result = await attempt();
    if ('value' in result) return result.value;
    if (timeUp.aborted) throw result.busy;
    try {
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: timeUp });
    } catch (error) {
      if (timeUp.aborted) throw result.busy;
      throw error;
    }
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
