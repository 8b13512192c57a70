import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { randomNumbers } from './random-numbers.ts';
import { openSite, type Site } from './site.ts';
import { type Victim, victimOf } from './victim.ts';

const reason = await whyNoLab();
const SOAK = process.env['FARMCTL_SOAK'] === '1';
const KILLS = SOAK ? 500 : 12;
const POWER_CUTS = SOAK ? 50 : 3;
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);

describe.skipIf(reason !== undefined)(`sudden deaths${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let site: Site;
  let host: HostHandle;
  let victim: Victim;
  const random = randomNumbers(SEED);

  beforeAll(async () => {
    console.log(`FARMCTL_SEED=${SEED}`);
    site = await openSite('test-crash', 'three');
    host = site.lab.host('app1');
    victim = victimOf(site, 'three');
    await site.converge({}, ['-l', 'app1']);
    await victim.timed();
  });
  afterAll(() => site?.down());

  const invocation = () => host.must('systemctl show -P InvocationID pair');

  test(
    `farmctl is killed ${KILLS} times: the next run ends its work, and no reload or restart is lost`,
    async () => {
      for (let kill = 1; kill <= KILLS; kill += 1) {
        victim.generation += 1;
        const before = await invocation();
        const wasListen = victim.listen;
        if (random() < 0.4) victim.listen += 1;
        // Most of an apply is farmctl's own start; what it does on the host comes at the end.
        const afterMs = Math.round((0.3 + 0.75 * random()) * victim.applyMs);
        const note = `kill ${kill} after ${afterMs} ms of ${Math.round(victim.applyMs)}, generation ${victim.generation}`;
        const running = victim.startApply();
        await sleep(afterMs);
        running.kill('SIGKILL');
        await running.result;
        const [one, two] = await victim.servedSoon();
        expect(one, note).toBe(two);
        await victim.convergedAgain(note);
        expect((await invocation()) !== before, `${note}: restarted`).toBe(victim.listen !== wasListen);
      }
    },
    KILLS * 60_000,
  );

  test(
    `the host dies ${POWER_CUTS} times in the middle of an apply: it comes back with a whole set`,
    async () => {
      for (let cut = 1; cut <= POWER_CUTS; cut += 1) {
        const afterMs = Math.round((0.4 + 0.6 * random()) * victim.applyMs);
        const note = `power cut ${cut} after ${afterMs} ms of ${Math.round(victim.applyMs)}, generation ${victim.generation}`;
        await victim.powerCut(afterMs, note);
      }
    },
    POWER_CUTS * 120_000,
  );

  test('after a power cut between swap and verify the last whole set is back before the service starts', async () => {
    const old = victim.served();
    // A new name that was not in place yet is no part of a set: the next run removes it.
    const oldFiles = await host.must('cat /etc/pair/*.conf /etc/systemd/system/pair.service; ls /etc/pair/sites.d');
    victim.generation += 1;
    await host.must('systemctl kill -s STOP pair');
    const running = victim.startApply();
    await host.must(
      'until [ -e /var/lib/farmctl/services/pair.service/journal ] && [ ! -e /etc/pair/.farmctl-new.b.conf ]; do sleep 0.01; done',
    );
    running.kill('SIGKILL');
    await host.powerOff();
    await host.powerOn();
    await host.must('until [ -e /run/pair.loaded ]; do sleep 0.1; done');
    expect(await victim.loaded()).toEqual(old);
    expect(await host.must('cat /etc/pair/*.conf /etc/systemd/system/pair.service; ls /etc/pair/sites.d')).toBe(
      oldFiles,
    );
    expect(await host.must('ls /var/lib/farmctl/services/pair.service')).toBe('before\nstamp\n');
    await victim.convergedAgain('after the journal was run at boot');
  });

  test('half a set with its journal is gone on with, and its way back is the last whole set', async () => {
    const old = victim.served();
    const oldFiles = await host.must('cat /etc/pair/*.conf');
    victim.generation += 1;
    await host.must('systemctl kill -s STOP pair');
    const running = victim.startApply();
    // The shell that swaps is ended too: what stays is a journal, the new set and the old names.
    await host.must(`until [ -e /var/lib/farmctl/services/pair.service/journal ] && [ ! -e /etc/pair/.farmctl-new.b.conf ]; do sleep 0.01; done
kids() { for c in $(pgrep -P "$1"); do echo "$c"; kids "$c"; done; }
p=$(pgrep -o -f '[f]lock -x -o')
kill -9 "$p" $(kids "$p"); :`);
    running.kill('SIGKILL');
    await running.result;
    await host.must(
      `systemctl kill -s CONT pair; until grep -q '^${victim.generation} ' /run/pair.loaded; do sleep 0.05; done
cat /etc/pair/.farmctl-old.b.conf >/root/b; mv /root/b /etc/pair/b.conf`,
    );
    const plan = await site.run('plan', victim.state(), ['-l', 'app1']);
    expect(plan.stdout).toContain('interrupted');
    const refused = await site.run('apply', { ...victim.state(), 'site.crash': true }, ['-l', 'app1']);
    expect(refused.exitCode).toBe(3);
    expect(await host.must('cat /etc/pair/*.conf')).toBe(oldFiles);
    expect(await victim.loaded()).toEqual(old);
    await victim.convergedAgain('after going on');
  });
});
