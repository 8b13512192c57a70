import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { randomNumbers } from './random-numbers.ts';
import { openSite, type Site } from './site.ts';
import { type Victim, victimOf } from './victim.ts';

const reason = await whyNoLab();
const CUTS = Number(process.env['FARMCTL_CUTS'] ?? (process.env['FARMCTL_SOAK'] === '1' ? 50 : 3));
const SEED = Number(process.env['FARMCTL_SEED'] ?? Date.now() % 1_000_000);

/** On a VM what was not yet on the disk is lost with its power: the journal's fsyncs and renames are proven here. */
describe.skipIf(reason !== undefined)(`a power cord${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let site: Site;
  let victim: Victim;
  const random = randomNumbers(SEED);

  beforeAll(async () => {
    console.log(`FARMCTL_SEED=${SEED}`);
    site = await openSite('test-vm', 'alone', { vm: ['app1'] });
    victim = victimOf(site, 'alone');
    await site.converge();
    await victim.timed();
  });
  afterAll(() => site?.down());

  test('is a true one: what was not synced is gone, what was synced is there', async () => {
    const { host } = victim;
    await host.must('echo synced >/root/synced; sync; echo lost >/root/lost');
    await host.powerOff();
    await host.powerOn();
    expect(await host.must('cat /root/synced; cat /root/lost 2>/dev/null; :')).toBe('synced\n');
  });

  test(
    `is pulled ${CUTS} times in the middle of an apply: the service comes back with a whole set, and the next apply converges`,
    async () => {
      const found = { 'the old set': 0, 'the new set': 0 };
      let swapping = 0;
      // Random, about where the swap is: a cut that missed it tells on which side. A swap is a tenth of an apply.
      let middle = 0.75;
      for (let cut = 1; cut <= CUTS; cut += 1) {
        const afterMs = Math.round((middle - 0.15 + 0.3 * random()) * victim.applyMs);
        const note = `cut ${cut} after ${afterMs} ms of ${Math.round(victim.applyMs)}, generation ${victim.generation}`;
        const cameBack = await victim.powerCut(afterMs, note);
        found[cameBack.with] += 1;
        if (cameBack.wasSwapping) {
          swapping += 1;
          expect(cameBack.with, note).toBe('the old set');
        }
        if (!cameBack.wasSwapping) middle += cameBack.with === 'the old set' ? 0.04 : -0.04;
      }
      console.log(
        `${CUTS} power cuts: ${found['the old set']} old sets, ${swapping} of them put back at boot, ${found['the new set']} new ones, none mixed`,
      );
    },
    CUTS * 120_000,
  );
});
