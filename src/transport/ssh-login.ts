import { abortReason } from './abort.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import type { Endpoint } from './endpoint.ts';
import { type Attempt, retryBusy, type Slots } from './pacing.ts';
import type { SshLink } from './ssh-link.ts';
import { loginTimedOut, type Stage } from './ssh-socket.ts';

/** What one attempt at a login is given. */
export interface LoginTools {
  /** Aborted when the link must go, now or later. */
  readonly stop: AbortSignal;
  /** Runs a question to the user outside the deadline. */
  readonly whileAsking: Deadline['paused'];
  reach(stage: Stage): void;
}

export interface PacedLogin {
  readonly endpoint: Endpoint;
  readonly slots: Slots;
  /** Milliseconds from its turn to the login. */
  readonly limitMs: number;
  /** Aborting it ends the link at any time. */
  readonly signal: AbortSignal;
}

/**
 * Logs in at one sshd, in its turn, again where that is busy, and within its deadline.
 * @throws TransportError
 */
export async function pacedLogin<L extends SshLink>(
  { endpoint, slots, limitMs, signal }: PacedLogin,
  open: (tools: LoginTools) => Promise<Attempt<L>>,
): Promise<L> {
  let stage: Stage = 'connect';
  let deadline: Deadline | undefined;
  const stopper = new AbortController();
  const onAbort = () => stopper.abort(abortReason(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  async function attempt(): Promise<Attempt<L>> {
    const release = await slots.acquire(stopper.signal);
    deadline ??= startDeadline(limitMs, () => stopper.abort(loginTimedOut(endpoint, stage, limitMs)));
    stage = 'connect';
    try {
      return await open({
        stop: stopper.signal,
        whileAsking: deadline.paused,
        reach: (next) => {
          stage = next;
        },
      });
    } finally {
      release();
    }
  }

  try {
    const link = await retryBusy(attempt, stopper.signal);
    link.lost.catch(() => signal.removeEventListener('abort', onAbort));
    return link;
  } catch (error) {
    signal.removeEventListener('abort', onAbort);
    throw error;
  } finally {
    deadline?.stop();
  }
}
