import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import type { Mutation } from './file-mutations.ts';
import { MUTATIONS } from './mutations.ts';
import { type Drawn, draw, foundAndHealed } from './rounds.ts';
import { openWeather, type Weather } from './weather.ts';

const reason = await whyNoLab();
const isSoak = process.env['FARMCTL_SOAK'] === '1';
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);
const COUNT = Number(process.env['FARMCTL_MUTATIONS'] ?? (isSoak ? 500 : 25));

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
      await foundAndHealed(weather, [...both('app1', one), ...both('app2', other)]);
    });

    const rounds = draw(SEED, COUNT, [{ hosts: ['app1', 'app2'], mutations: MUTATIONS, perHost: 3 }]);
    test.each(rounds.map((round, index) => ({ round, title: `round ${index + 1} of ${rounds.length}` })))(
      '$title: all is found, nothing else is, apply heals it',
      ({ round }) => foundAndHealed(weather, round),
    );
  },
);
