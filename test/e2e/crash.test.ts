import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { openSite, type Site, words } from './site.ts';

const reason = await whyNoLab();
const SOAK = process.env['FARMCTL_SOAK'] === '1';
const KILLS = SOAK ? 500 : 12;
const POWER_CUTS = SOAK ? 50 : 3;
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe.skipIf(reason !== undefined)(`sudden deaths${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let site: Site;
  let host: HostHandle;
  let applyMs = 0;
  const random = randomNumbers(SEED);
  let generation = 1;
  let listen = 80;

  beforeAll(async () => {
    console.log(`FARMCTL_SEED=${SEED}`);
    site = await openSite('test-crash', 'three');
    host = site.lab.host('app1');
    await site.converge({}, ['-l', 'app1']);
    await timed();
  });
  afterAll(() => site?.down());

  const state = () => ({
    'site.generation': String(generation),
    'site.listen': listen,
    'site.sites': ['first', generation % 2 === 0 ? 'even' : 'odd'],
  });
  const served = () => `${generation} ${generation} first ${generation % 2 === 0 ? 'even' : 'odd'}`.split(' ').sort();
  const loaded = async () => (await host.must('cat /run/pair.loaded')).trim().split(' ').sort();
  /** What is served as soon as something is: a host whose run was killed may still be at the restart. */
  const servedSoon = async () =>
    (
      await host.must('timeout 30 sh -c "until [ -e /run/pair.loaded ]; do sleep 0.1; done" && cat /run/pair.loaded')
    ).split(' ');
  const invocation = () => host.must('systemctl show -P InvocationID pair');

  /** How long a whole apply takes now, on a machine that others use too. */
  async function timed(): Promise<void> {
    generation += 1;
    const result = await site.run('apply', state(), ['-l', 'app1']);
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    applyMs = result.durationMs;
  }

  async function nothingHalf(): Promise<void> {
    expect(await host.must('cat /var/log/pair-half 2>/dev/null; :')).toBe('');
  }

  async function convergedAgain(note: string): Promise<void> {
    const result = await site.run('apply', state(), ['-l', 'app1']);
    expect(result, `${note}\n${result.stderr}`).toMatchObject({ exitCode: 0 });
    expect(await loaded(), note).toEqual(served());
    const drift = await site.run('drift', state(), ['-l', 'app1']);
    expect(drift, note).toMatchObject({ exitCode: 0, changes: [] });
    // What a dead host had received (root's alone) is removed by the next run that changes something.
    const rubbish =
      'find /etc /usr/local /srv /var/lib/farmctl /run -xdev -name "*farmctl-*" ! -path "*/.farmctl-bodies.*" ! -name "60-farmctl-net*" ! -name farmctl-journal.service';
    expect(await host.must(`${rubbish}; ls /var/lib/farmctl/services/pair.service`), note).toBe('stamp\n');
    await nothingHalf();
  }

  test(
    `farmctl is killed ${KILLS} times: the next run ends its work, and no reload or restart is lost`,
    async () => {
      for (let kill = 1; kill <= KILLS; kill += 1) {
        generation += 1;
        const before = await invocation();
        const wasListen = listen;
        if (random() < 0.4) listen += 1;
        // Most of an apply is farmctl's own start; what it does on the host comes at the end.
        const afterMs = Math.round((0.3 + 0.75 * random()) * applyMs);
        const note = `kill ${kill} after ${afterMs} ms of ${Math.round(applyMs)}, generation ${generation}`;
        const running = site.lab.startFarmctl([...words('apply', 'three', state()), '-l', 'app1']);
        await sleep(afterMs);
        running.kill('SIGKILL');
        await running.result;
        const [one, two] = await servedSoon();
        expect(one, note).toBe(two);
        await convergedAgain(note);
        expect((await invocation()) !== before, `${note}: restarted`).toBe(listen !== wasListen);
      }
    },
    KILLS * 60_000,
  );

  test(
    `the host dies ${POWER_CUTS} times in the middle of an apply: it comes back with a whole set`,
    async () => {
      for (let cut = 1; cut <= POWER_CUTS; cut += 1) {
        generation += 1;
        const afterMs = Math.round((0.4 + 0.6 * random()) * applyMs);
        const note = `power cut ${cut} after ${afterMs} ms of ${Math.round(applyMs)}, generation ${generation}`;
        const running = site.lab.startFarmctl([...words('apply', 'three', state()), '-l', 'app1']);
        await sleep(afterMs);
        running.kill('SIGKILL');
        await host.powerOff();
        await host.powerOn();
        const [one, two] = await servedSoon();
        expect(one, note).toBe(two);
        await convergedAgain(note);
      }
    },
    POWER_CUTS * 120_000,
  );

  test('after a power cut between swap and verify the last whole set is back before the service starts', async () => {
    const old = served();
    const oldFiles = await host.must('cat /etc/pair/*.conf /etc/systemd/system/pair.service; ls -A /etc/pair/sites.d');
    generation += 1;
    await host.must('systemctl kill -s STOP pair');
    const running = site.lab.startFarmctl([...words('apply', 'three', state()), '-l', 'app1']);
    await host.must(
      'until [ -e /var/lib/farmctl/services/pair.service/journal ] && [ ! -e /etc/pair/.farmctl-new.b.conf ]; do sleep 0.01; done',
    );
    running.kill('SIGKILL');
    await host.powerOff();
    await host.powerOn();
    await host.must('until [ -e /run/pair.loaded ]; do sleep 0.1; done');
    expect(await loaded()).toEqual(old);
    expect(await host.must('cat /etc/pair/*.conf /etc/systemd/system/pair.service; ls -A /etc/pair/sites.d')).toBe(
      oldFiles,
    );
    expect(await host.must('ls /var/lib/farmctl/services/pair.service')).toBe('stamp\n');
    await convergedAgain('after the journal was run at boot');
  });

  test('half a set with its journal is gone on with, and its way back is the last whole set', async () => {
    const old = served();
    const oldFiles = await host.must('cat /etc/pair/*.conf');
    generation += 1;
    await host.must('systemctl kill -s STOP pair');
    const running = site.lab.startFarmctl([...words('apply', 'three', state()), '-l', 'app1']);
    // The shell that swaps is ended too: what stays is a journal, the new set and the old names.
    await host.must(`until [ -e /var/lib/farmctl/services/pair.service/journal ] && [ ! -e /etc/pair/.farmctl-new.b.conf ]; do sleep 0.01; done
kids() { for c in $(pgrep -P "$1"); do echo "$c"; kids "$c"; done; }
p=$(pgrep -o -f '[f]lock -x -o')
kill -9 "$p" $(kids "$p"); :`);
    running.kill('SIGKILL');
    await running.result;
    await host.must(
      `systemctl kill -s CONT pair; until grep -q '^${generation} ' /run/pair.loaded; do sleep 0.05; done
cat /etc/pair/.farmctl-old.b.conf >/root/b; mv /root/b /etc/pair/b.conf`,
    );
    const plan = await site.run('plan', state(), ['-l', 'app1']);
    expect(plan.stdout).toContain('interrupted');
    const refused = await site.run('apply', { ...state(), 'site.crash': true }, ['-l', 'app1']);
    expect(refused.exitCode).toBe(3);
    expect(await host.must('cat /etc/pair/*.conf')).toBe(oldFiles);
    expect(await loaded()).toEqual(old);
    await convergedAgain('after going on');
  });
});
