import { command } from '../lab/command.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import type { Installed } from './installed.ts';
import { costs, type Figure, median, type Sample, sample } from './measure.ts';

const ROUNDS = 9;
const DEMO = 'inventories/demo.yaml';

const CASES = [
  { name: 'version', words: ['--version'], target: 150 },
  { name: 'validate', words: ['validate', '-i', DEMO], target: 400 },
  { name: 'completion', words: ['complete', '--', 'plan', '-i', DEMO, '-l', 'app'], target: 200 },
] as const;

/** What a user waits for before anything else happens, in the form that users install, its compile cache filled. */
export async function startUp({ words, folder }: Installed): Promise<readonly Figure[]> {
  const samples = new Map<string, Sample[]>();
  const bare: number[] = [];
  const start = (all: readonly string[], env: Readonly<Record<string, string>>) =>
    command(all, { cwd: PROJECT_PATH, env: { ...env, XDG_CACHE_HOME: folder } });
  for (let round = 0; round <= ROUNDS; round++) {
    const empty = await command([process.execPath, '-e', '0']);
    if (round > 0) bare.push(empty.durationMs);
    for (const one of CASES) {
      const taken = await sample(start, [...words, ...one.words], { scratch: folder });
      // The first round fills the cache.
      if (round > 0) samples.set(one.name, [...(samples.get(one.name) ?? []), taken]);
    }
  }
  return CASES.map(({ name, target }) => {
    const taken = samples.get(name) ?? [];
    const detail = `median of ${ROUNDS}; an empty Node takes ${Math.round(median(bare))} ms`;
    return { name, value: median(taken.map((one) => one.wallMs)), unit: 'ms', target, detail, ...costs(taken) };
  });
}
