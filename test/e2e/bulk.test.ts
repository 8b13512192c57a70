import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sample, sample } from '../bench/measure.ts';
import { farmctlWords } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { type Outcome, openWeather, readOutcome, type Weather } from './weather.ts';

const reason = await whyNoLab();
const [HOST, MEGABYTES, NAMES] = ['app1', 200, 10_000];
/** MiB that farmctl may take: of the large file it never holds more than a piece, of the many names it holds each. */
const MOST = { large: 250, many: 300 };

/** Memory and processes are bounded by this; times depend on what else the machine does, and are printed. */
describe.skipIf(reason !== undefined)(`much at once${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let weather: Weather;
  let scratch: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'farmctl-bulk-'));
    weather = await openWeather('test-bulk', 'weather');
    await weather.converge(['-l', HOST]);
  });
  afterAll(async () => {
    await weather?.down();
    await rm(scratch, { recursive: true, force: true });
  });

  /** Runs it as users do, and holds its memory against what it may take. */
  async function run(verb: string, more: readonly string[], most: number): Promise<Outcome> {
    const words = [
      process.execPath,
      '--max-semi-space-size=4',
      ...farmctlWords(weather.words(verb, [...more, '-l', HOST])).slice(1),
    ];
    const start = (argv: readonly string[], env: Readonly<Record<string, string>>) => weather.lab.run(argv, { env });
    const taken: Sample = await sample(start, words, { scratch, statuses: [0] });
    const { wallMs, cpuMs, peakMiB } = taken;
    console.log(
      `${verb} ${more.join(' ')}: ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} ms of CPU, ${Math.round(peakMiB)} MiB`,
    );
    expect(peakMiB, verb).toBeLessThan(most);
    return readOutcome(taken.result);
  }

  test('a file of 200 MB, made and changed', async () => {
    const large = (seed: number) => ['-e', `bulk.megabytes=${MEGABYTES}`, '-e', `bulk.seed=${seed}`];
    const planned = await weather.lab.farmctl(weather.words('plan', large(1)).filter((word) => word !== '--json'));
    expect(planned.stdout).toContain('/srv/large');
    expect(planned.stdout.length).toBeLessThan(10_000);
    for (const seed of [1, 2]) {
      const applied = await run('apply', large(seed), MOST.large);
      expect(applied.changes).toEqual([`${HOST}: file /srv/large`]);
      expect(await run('drift', large(seed), MOST.large)).toMatchObject({ changes: [] });
    }
    expect(await weather.lab.host(HOST).must('wc -c </srv/large; ls /srv | grep large')).toBe(
      `${MEGABYTES * 1024 * 1024}\nlarge\n`,
    );
  });

  test('10,000 files with long names in one directory, made, damaged and mended', async () => {
    const many = ['-e', `bulk.names=${NAMES}`];
    const planned = await weather.lab.farmctl(weather.words('plan', many).filter((word) => word !== '--json'));
    expect(planned.stdout).toContain('more files (-D shows all)');
    expect(planned.stdout.length).toBeLessThan(100_000);
    expect((await run('apply', many, MOST.many)).changes).toContain(`${HOST}: ownedDirectory /srv/many`);
    expect(await run('drift', many, MOST.many)).toMatchObject({ changes: [] });
    const { must } = weather.lab.host(HOST);
    expect(await must('cd /srv/many; ls -A | wc -l; cat "name 9999 "*')).toBe(`${NAMES}\ncontent 9999 of 1\n`);
    await must(`cd /srv/many; rm 'name 17 '*; echo other >"$(ls -d 'name 4000 '*)"; chmod 600 'name 9000 '*; : >extra`);
    const mended = await run('apply', many, MOST.many);
    expect(mended.stdout).toContain('"extra"');
    expect(await run('drift', many, MOST.many)).toMatchObject({ changes: [] });
  });
});
