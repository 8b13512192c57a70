import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { openWeather, type Weather } from './weather.ts';

const reason = await whyNoLab();
const APP = ['app1', 'app2', 'app3'] as const;
const STATE = '/var/lib/farmctl';
const PAIR = '/etc/pair';
const WEATHER = '/etc/weather';
const PLACES = [STATE, PAIR, WEATHER];

/** Gives a directory a small file system of its own; it keeps what it held. */
const small = (at: string) =>
  `cp -a ${at} /run/kept && mount -t tmpfs -o size=2m,nr_inodes=300 --source small --target ${at} && cp -aT /run/kept ${at} && rm -r /run/kept`;

/** Nothing is left there but so many pages. */
const full = (at: string, pages = 0) =>
  `dd if=/dev/zero of=${at}/.filler bs=4096 2>/dev/null; truncate -s -${pages * 4096} ${at}/.filler; [ "$(df --output=avail -B 4096 ${at} | tail -n 1)" -eq ${pages} ]`;
/** Nothing is left there but so many inodes. */
const crowded = (at: string, inodes = 0) =>
  `mkdir ${at}/.crowd; n=0; while ( : >${at}/.crowd/$n ) 2>/dev/null; do n=$((n + 1)); done; i=0; while [ $i -lt ${inodes} ]; do rm ${at}/.crowd/$i; i=$((i + 1)); done; [ "$(df --output=iavail ${at} | tail -n 1)" -eq ${inodes} ]`;
const readOnly = (at: string) => `nsenter -m -t 1 mount -o remount,ro ${at}`;
/** Lets it happen while the new set is staged, or after it was swapped in. */
const then = (moment: 'check' | 'load', script: string) => `cat >/root/on-${moment} <<'end'
#!/bin/sh
${moment === 'check' ? `[ -e ${STATE}/services/pair.service/journal.new ] || exit 0` : ':'}
rm /root/on-${moment}
${script}
end
chmod 755 /root/on-${moment}`;
const MEND = PLACES.map((at) => `mount -o remount,rw ${at}; rm -rf ${at}/.filler ${at}/.crowd`).join('\n');

/** What is done to a host, and what is said of it then: the step, the host's own words and the cure. */
interface Weathered {
  readonly what: string;
  readonly script: string;
  readonly said: readonly string[];
  /** The service is down until the next apply. */
  readonly isDown?: true;
}

const FULL = ['No space left on device', '`df -h` and `df -i` there show what is full'];
/** What the shell itself says of a full disk. */
const PRINTF = ['I/O error', '`df -h` and `df -i` there show what is full'];
const READ_ONLY = ['Read-only file system', 'Make it writable'];
const SET = 'update service pair.service';
const FILE = 'update file /etc/weather/before';
const BODY = 'host/cannot-write';

/** The service notes nothing at this load, and does again at the next. */
const UNREADY =
  "mkdir /run/pair.new; printf '#!/bin/sh\\nrm -r /run/pair.new /root/on-load\\n' >/root/on-load; chmod 755 /root/on-load";

const ROUNDS: readonly (readonly [Weathered, Weathered, Weathered])[] = [
  [
    { what: 'no page for the bodies', script: full(STATE), said: [BODY, 'file /etc/weather/before', ...FULL] },
    { what: 'no page for a large body', script: full(STATE, 4), said: [BODY, 'file /etc/weather/before', ...FULL] },
    { what: 'no page for the manifest', script: full(STATE, 6), said: [FILE, ...PRINTF] },
  ],
  [
    { what: 'no inode for the bodies', script: crowded(STATE), said: [BODY, 'file /etc/weather/before', ...FULL] },
    { what: 'no inode for a body', script: crowded(STATE, 2), said: [BODY, 'file /etc/weather/before', ...FULL] },
    { what: 'no inode for the manifest', script: crowded(STATE, 5), said: [SET, ...FULL] },
  ],
  [
    { what: 'no page for a file of a set', script: full(PAIR), said: [SET, '/etc/pair/a.conf', ...FULL] },
    { what: 'no page for its second file', script: full(PAIR, 6), said: [SET, '/etc/pair/b.conf', ...FULL] },
    { what: 'no inode for its second file', script: crowded(PAIR, 1), said: [SET, '/etc/pair/b.conf', ...FULL] },
  ],
  [
    { what: 'no page for a file', script: full(WEATHER), said: [FILE, ...PRINTF] },
    { what: 'no inode for a file', script: crowded(WEATHER), said: [FILE, ...FULL] },
    { what: 'a file on a read-only disk', script: readOnly(WEATHER), said: [FILE, ...READ_ONLY] },
  ],
  [
    { what: 'a set on a read-only disk', script: readOnly(PAIR), said: [SET, '/etc/pair/a.conf', ...READ_ONLY] },
    { what: 'farmctl on a read-only disk', script: readOnly(STATE), said: [BODY, ...READ_ONLY] },
    { what: 'read-only once it is staged', script: then('check', readOnly(PAIR)), said: [SET, ...READ_ONLY] },
  ],
  [
    { what: 'a read-only journal', script: then('check', readOnly(STATE)), said: [SET, 'journal', ...READ_ONLY] },
    { what: 'no page for the stamp', script: then('load', full(STATE)), said: [SET, ...PRINTF] },
    { what: 'read-only once it is swapped', script: then('load', readOnly(PAIR)), said: [SET, ...READ_ONLY] },
  ],
  [
    {
      what: 'a read-only journal on the way back',
      script: then('load', `${readOnly(STATE)}\n${UNREADY}`),
      said: ['service/rolled-back', 'pair.service on', ...READ_ONLY],
    },
    {
      what: 'no way back',
      script: `touch /root/crash; ${then('load', readOnly(PAIR))}`,
      said: ['service/broken', 'pair.service on', ...READ_ONLY],
      isDown: true,
    },
    { what: 'a read-only stamp', script: then('load', readOnly(STATE)), said: [SET, ...READ_ONLY] },
  ],
];

const RUBBISH = `find /etc /usr/local /run ${STATE} -name '*farmctl-*' ! -name '60-farmctl-net*' ! -name farmctl-journal.service; ls ${STATE}/services/pair.service`;

describe.skipIf(reason !== undefined)(`no room${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let weather: Weather;
  let generation = 1;
  const host = (name: string): HostHandle => weather.lab.host(name);
  const wanted = () => ['-e', `set.generation="${generation}"`, '-e', `later.word="${generation}"`];

  beforeAll(async () => {
    weather = await openWeather('test-weather-disk', 'weather');
    await weather.converge();
    for (const name of APP) await host(name).must(PLACES.map(small).join(' && '));
    await weather.converge();
  });
  afterAll(() => weather?.down());

  const titles = ROUNDS.map((round) => [round.map(({ what }) => what).join(', '), round] as const);

  test.each(titles)('%s: named, nothing half, and the next run goes on', async (_, round) => {
    const old = String(generation);
    generation += 1;
    for (const [index, { script }] of round.entries()) await host(APP[index] ?? '').must(script);
    const failed = await weather.run('apply', wanted());
    const blocks = failed.stderr.split(/\n(?=error\[)/);
    expect(failed.exitCode).toBe(3);
    expect(failed.outcomes).toEqual({ app1: 'failed', app2: 'failed', app3: 'failed', front1: 'changed' });
    for (const [index, { what, said, isDown }] of round.entries()) {
      const name = APP[index] ?? '';
      const block = blocks.find((one) => one.startsWith('error[') && one.includes(`\n  host ${name}`)) ?? failed.stderr;
      for (const word of [...said, name]) expect(block, `${what}\n${failed.stderr}`).toContain(word);
      const found = await host(name).must(
        'cat /run/pair.loaded; systemctl is-active pair || :; cat /etc/pair/*.conf | grep -c "^generation"; ls /var/log',
      );
      const [loaded = '', active, files] = found.split('\n');
      expect(
        [old, String(generation)].map((one) => `${one} ${one} `),
        what,
      ).toContain(loaded);
      expect([active, files], what).toEqual([isDown === true ? 'failed' : 'active', '2']);
      // What is full or read-only can be looked at.
      if (index === 0) expect((await weather.run('drift', [...wanted(), '-l', name])).exitCode).toBe(2);
      await host(name).must(`rm -f /root/crash /root/on-*\n${MEND}`);
    }
    await weather.converge(wanted());
    expect(await weather.run('drift', wanted())).toMatchObject({ exitCode: 0, changes: [] });
    for (const name of APP) {
      expect(await host(name).must('cat /run/pair.loaded')).toBe(`${generation} ${generation} \n`);
      expect(await host(name).must(`${RUBBISH}; cat /var/log/pair-half 2>/dev/null; :`), name).toBe('before\nstamp\n');
    }
  });

  test('a journal that was run and could not be removed is still a way back for the next run', async () => {
    const { must } = host('app1');
    const old = String(generation);
    generation += 1;
    const set = 'cat /etc/pair/*.conf; ls -A /etc/pair';
    const before = await must(set);
    const tries: readonly (readonly [string, string])[] = [
      [readOnly(STATE), 'before\njournal\nstamp\n'],
      [':', 'before\nstamp\n'],
    ];
    for (const [weatherToo, left] of tries) {
      await must(then('load', `${weatherToo}\n${UNREADY}`));
      const failed = await weather.run('apply', [...wanted(), '-l', 'app1']);
      expect(failed.stderr).toContain('service/rolled-back');
      expect(await must('cat /run/pair.loaded; systemctl is-active pair')).toBe(`${old} ${old} \nactive\n`);
      expect(await must(set)).toBe(before);
      expect(await must(`ls ${STATE}/services/pair.service; ${MEND}`)).toBe(left);
    }
    await weather.converge(wanted());
    expect(await must(`cat /run/pair.loaded; ${RUBBISH}`)).toBe(`${generation} ${generation} \nbefore\nstamp\n`);
  });
});
