/** How long the controller waits, in milliseconds. A host that misses one is given up and named; the rest go on. */
export const DEADLINES = {
  connectMs: 10_000,
  factsMs: 15_000,
  /** Each type of resource may take 30 s; a little more for the rest of the answer. */
  probeMs: 60_000,
  checkerMs: 40_000,
  /** Reload or restart with verify, and the way back. */
  transactionMs: 540_000,
  stepMs: 120_000,
  packagesMs: 900_000,
} as const;

/** Seconds that the probe of one type may run on the host. */
export const PROBE_SECONDS = 30;
