/** A time limit that stands still while the user is asked something. */
export interface Deadline {
  /** Runs something that does not count. */
  readonly paused: <T>(work: () => Promise<T>) => Promise<T>;
  /** Ends the measuring; safe to call twice. */
  stop(): void;
}

/** Starts to measure; calls `onTimeUp` when the limit (milliseconds) is reached. */
export function startDeadline(limitMs: number, onTimeUp: () => void): Deadline {
  let leftMs = limitMs;
  let pauses = 0;
  let startedAt = performance.now();
  let isStopped = false;
  let timer = setTimeout(onTimeUp, leftMs);
  return {
    async paused(work) {
      if (pauses === 0) {
        clearTimeout(timer);
        leftMs -= performance.now() - startedAt;
      }
      pauses += 1;
      try {
        return await work();
      } finally {
        pauses -= 1;
        if (pauses === 0 && !isStopped) {
          startedAt = performance.now();
          timer = setTimeout(onTimeUp, Math.max(0, leftMs));
        }
      }
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
