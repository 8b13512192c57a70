/** How a run is told to stop. */
export interface Interrupt {
  /** First Ctrl-C: finish the steps under way. */
  readonly stopping: AbortSignal;
  /** Second: stop now. */
  readonly killing: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals that come so close, in ms, are one: a Ctrl-C that somebody passes on as well comes twice. */
const ONE_PRESS_MS = 200;

/** Listens for Ctrl-C (and TERM, HUP) until released. A third one ends the process at once. */
export function listenForInterrupt(tell: (line: string) => void): Interrupt {
  const stopping = new AbortController();
  const killing = new AbortController();
  let lastMs = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    const isSame = performance.now() - lastMs < ONE_PRESS_MS;
    lastMs = performance.now();
    if (isSame) return;
    if (killing.signal.aborted) process.exit(130);
    if (stopping.signal.aborted) {
      tell('Stopping now. What was under way on a host is found and finished by the next run.');
      killing.abort(new Error('stopped at once'));
      return;
    }
    tell('Interrupted: the steps under way are finished first. Once more stops at once.');
    stopping.abort(new Error('interrupted'));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    stopping: stopping.signal,
    killing: killing.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
