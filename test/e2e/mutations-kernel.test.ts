import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { director, directorFiles, realServer, realServerFiles, server, serverFiles } from './mutations-kernel.ts';
import { type Deck, draw, foundAndHealed } from './rounds.ts';
import { openWeather, type Weather } from './weather.ts';

const reason = await whyNoLab();
const isSoak = process.env['FARMCTL_SOAK'] === '1';
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);
const COUNT = Number(process.env['FARMCTL_MUTATIONS'] ?? (isSoak ? 300 : 20));

const DIRECTORS = ['lb1', 'lb2'];
// What the kernel does by itself comes more often than what is true of any file.
const DECKS: readonly Deck[] = [
  { hosts: DIRECTORS, mutations: director, perHost: 2 },
  { hosts: ['nfs1'], mutations: server, perHost: 2 },
  { hosts: ['media1'], mutations: realServer, perHost: 2 },
  { hosts: DIRECTORS, mutations: directorFiles, perHost: 1 },
  { hosts: ['nfs1'], mutations: serverFiles, perHost: 1 },
  { hosts: ['media1'], mutations: realServerFiles, perHost: 1 },
];

describe.skipIf(reason !== undefined)(
  `drift after ${COUNT} mutations of kernels, FARMCTL_SEED=${SEED}${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let weather: Weather;

    beforeAll(async () => {
      weather = await openWeather('test-kernel', 'kernel', 'warm');
      await weather.converge();
    }, 600_000);
    afterAll(() => weather?.down());
    // One failure shall not make the next.
    afterEach(async (context) => {
      if (context.task.result?.state === 'fail' && (await weather.run('apply')).exitCode !== 0)
        await weather.run('apply');
    });

    const rounds = draw(SEED, COUNT, DECKS);
    test.each(rounds.map((round, index) => ({ round, title: `round ${index + 1} of ${rounds.length}` })))(
      '$title: all is found, nothing else is, apply heals it',
      ({ round }) => foundAndHealed(weather, round),
    );
  },
);
