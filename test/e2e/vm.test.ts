import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { openSite, type Site } from './site.ts';
import { randomNumbers, type Victim, victimOf } from './victim.ts';

const reason = await whyNoLab();
const CUTS = process.env['FARMCTL_SOAK'] === '1' ? 50 : 3;
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
      for (let cut = 1; cut <= CUTS; cut += 1) {
        // Some of farmctl's own start at one end, what the disk still has to write at the other.
        const afterMs = Math.round((0.3 + 0.9 * random()) * victim.applyMs);
        const note = `cut ${cut} after ${afterMs} ms of ${Math.round(victim.applyMs)}, generation ${victim.generation}`;
        found[await victim.powerCut(afterMs, note)] += 1;
      }
      console.log(`${CUTS} power cuts: ${found['the old set']} old sets, ${found['the new set']} new ones, none mixed`);
    },
    CUTS * 120_000,
  );
});
