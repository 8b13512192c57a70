import { expect } from 'vitest';
import type { Mutation } from './file-mutations.ts';
import { randomNumbers } from './random-numbers.ts';
import type { Weather } from './weather.ts';

/** One mutation on one host. */
export interface Drawn {
  readonly host: string;
  readonly mutation: Mutation;
}

/** What is drawn from for some hosts. */
export interface Deck {
  readonly hosts: readonly string[];
  readonly mutations: readonly Mutation[];
  /** So many at once on each host, none of which disturbs another. */
  readonly perHost: number;
}

/** Rounds of mutations. A whole table comes once, in a drawn order, before anything of it comes twice. */
export function draw(seed: number, count: number, decks: readonly Deck[]): readonly (readonly Drawn[])[] {
  const random = randomNumbers(seed);
  const stacks = decks.map(({ mutations }) => [...mutations]);
  const rounds: Drawn[][] = [];
  let left = count;
  while (left > 0) {
    const round: Drawn[] = [];
    const disturbed = new Set<string>();
    const needed = new Set<string | undefined>();
    const broken = new Set<string | undefined>();
    for (const [index, { hosts, mutations, perHost }] of decks.entries())
      for (const host of hosts) {
        const stack = stacks[index] ?? [];
        const passed: Mutation[] = [];
        let taken = 0;
        while (taken < perHost && left > 0 && passed.length < 20) {
          if (stack.length === 0) stack.push(...mutations);
          const [mutation] = stack.splice(Math.floor(random() * stack.length), 1);
          if (mutation === undefined) break;
          const { found, near = [], perhaps = [], needs, breaks } = mutation;
          const all = [...found, ...near, ...perhaps].map((one) => `${host}: ${one}`);
          const isApart = (needs === undefined || !broken.has(needs)) && (breaks === undefined || !needed.has(breaks));
          if (!isApart || all.some((one) => disturbed.has(one))) {
            passed.push(mutation);
            continue;
          }
          for (const one of all) disturbed.add(one);
          needed.add(needs);
          broken.add(breaks);
          round.push({ host, mutation });
          taken += 1;
          left -= 1;
        }
        stack.push(...passed);
      }
    rounds.push(round);
  }
  return rounds;
}

/** The id of a key is a digest. */
function plainly(changes: readonly string[]): string[] {
  return changes.map((one) => one.replace(/authorizedKey .*/, 'authorizedKey KEY')).sort();
}

/** Does all of it, and asks drift for exactly what was done; apply heals it, and nothing is left to plan. */
export async function foundAndHealed(weather: Weather, round: readonly Drawn[]): Promise<void> {
  const story = round.map(({ host, mutation }) => `${host}: ${mutation.name}`).join('\n');
  for (const { host, mutation } of round) await weather.lab.host(host).must(mutation.script);
  const expected = round.flatMap(({ host, mutation }) => mutation.found.map((one) => `${host}: ${one}`)).sort();
  const drift = await weather.run('drift');
  const perhaps = new Set(
    round.flatMap(({ host, mutation }) => mutation.perhaps?.map((one) => `${host}: ${one}`) ?? []),
  );
  const found = plainly(drift.changes).filter((one) => !perhaps.has(one));
  expect(found, `${story}\n${drift.stderr}`).toEqual(expected);
  expect(drift.exitCode, `${story}\n${drift.stderr}`).toBe(expected.length === 0 ? 0 : 2);
  const apply = await weather.run('apply');
  expect(apply.exitCode, `${story}\n${apply.stderr}`).toBe(0);
  const plan = await weather.run('plan');
  expect(plan.changes, story).toEqual([]);
  expect(plan.exitCode, `${story}\n${plan.stderr}`).toBe(0);
}
