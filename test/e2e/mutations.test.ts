import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { openWeather, type Weather } from './weather.ts';

const reason = await whyNoLab();
const isSoak = process.env['FARMCTL_SOAK'] === '1';
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);
const COUNT = Number(process.env['FARMCTL_MUTATIONS'] ?? (isSoak ? 500 : 25));
/** So many at once on each host, none of which disturbs another. */
const PER_HOST = 3;

/** Numbers from 0 to below 1 that a seed decides (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Drawn {
  readonly host: string;
  readonly mutation: Mutation;
}

/** Rounds of mutations. The whole table comes once, in a drawn order, before anything comes twice. */
function draw(seed: number, count: number, hosts: readonly string[]): readonly (readonly Drawn[])[] {
  const random = randomNumbers(seed);
  const rounds: Drawn[][] = [];
  let deck: Mutation[] = [];
  let left = count;
  while (left > 0) {
    const round: Drawn[] = [];
    for (const host of hosts) {
      const disturbed = new Set<string>();
      const passed: Mutation[] = [];
      let taken = 0;
      while (taken < PER_HOST && left > 0 && passed.length < 20) {
        if (deck.length === 0) deck = [...MUTATIONS];
        const [mutation] = deck.splice(Math.floor(random() * deck.length), 1);
        if (mutation === undefined) break;
        const near = [...mutation.found, ...(mutation.near ?? [])];
        if (near.some((one) => disturbed.has(one))) {
          passed.push(mutation);
          continue;
        }
        for (const one of near) disturbed.add(one);
        round.push({ host, mutation });
        taken += 1;
        left -= 1;
      }
      deck.push(...passed);
    }
    rounds.push(round);
  }
  return rounds;
}

/** The id of a key is a digest. */
function plainly(changes: readonly string[]): string[] {
  return changes.map((one) => one.replace(/authorizedKey .*/, 'authorizedKey KEY')).sort();
}

describe.skipIf(reason !== undefined)(
  `drift after ${COUNT} mutations, FARMCTL_SEED=${SEED}${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let weather: Weather;

    beforeAll(async () => {
      weather = await openWeather('test-mutations', 'mutations');
      await weather.converge();
    }, 300_000);
    afterAll(() => weather?.down());
    // One failure shall not make the next.
    afterEach(async (context) => {
      if (context.task.result?.state === 'fail' && (await weather.run('apply')).exitCode !== 0)
        await weather.run('apply');
    });

    const named = (name: string): Mutation => {
      const found = MUTATIONS.find((one) => one.name === name);
      if (found === undefined) throw new Error(`there is no mutation "${name}"`);
      return found;
    };

    async function foundAndHealed(round: readonly Drawn[]): Promise<void> {
      const story = round.map(({ host, mutation }) => `${host}: ${mutation.name}`).join('\n');
      for (const { host, mutation } of round) await weather.lab.host(host).must(mutation.script);
      const expected = round.flatMap(({ host, mutation }) => mutation.found.map((one) => `${host}: ${one}`)).sort();
      const drift = await weather.run('drift');
      expect(plainly(drift.changes), `${story}\n${drift.stderr}`).toEqual(expected);
      expect(drift.exitCode, `${story}\n${drift.stderr}`).toBe(expected.length === 0 ? 0 : 2);
      const apply = await weather.run('apply');
      expect(apply.exitCode, `${story}\n${apply.stderr}`).toBe(0);
      const plan = await weather.run('plan');
      expect(plan.changes, story).toEqual([]);
      expect(plan.exitCode, `${story}\n${plan.stderr}`).toBe(0);
    }

    // systemd reads all units again for the drop-in's sake, before the service has its turn.
    test.each([
      ['a symlink to nothing', 'removed'],
      ['a symlink to another file', 'bytes that are no text'],
      ['emptied', 'a symlink to a copy of itself'],
    ])('a unit file is %s, or %s, and another unit was changed too', async (one, other) => {
      const both = (host: string, kind: string): readonly Drawn[] =>
        [`/etc/systemd/system/tick.service: ${kind}`, '/etc/systemd/system/things.target.d/farmctl.conf: removed'].map(
          (name) => ({ host, mutation: named(name) }),
        );
      await foundAndHealed([...both('app1', one), ...both('app2', other)]);
    });

    const rounds = draw(SEED, COUNT, ['app1', 'app2']);
    test.each(rounds.map((round, index) => ({ round, title: `round ${index + 1} of ${rounds.length}` })))(
      '$title: all is found, nothing else is, apply heals it',
      ({ round }) => foundAndHealed(round),
    );
  },
);
