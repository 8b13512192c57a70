/** Lets at most so many pieces of work run at once; the others wait in order. */
export interface Semaphore {
  use<T>(work: () => Promise<T>): Promise<T>;
}

export function semaphore(places: number): Semaphore {
  let free = Math.max(1, places);
  const waiting: (() => void)[] = [];
  return {
    async use(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
