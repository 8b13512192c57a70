import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { type ExampleFarm, openExample } from './example-farm.ts';

const isSoak = process.env['FARMCTL_SOAK'] === '1';
const IMAGE = isSoak ? 'blank' : 'deps';
const VIP = '10.77.0.100';
const SITE = 'www.shop.example';
/** The web server that is added, on its way out. */
const RETIRED = `"web[1:2]": { web: 10.77.0.21, back: 10.77.1.21 }
      web3: { web: 10.77.0.23, back: 10.77.1.23, retired: true }`;
/** What a host still has of farmctl, and of what it made. */
const LEFT = `find / -xdev -name '*farmctl*' ! -path '/var/lib/farmctl*'
grep -rl farmctl /etc
ip -4 -o address show dev lo | grep -v ' 127'
systemctl is-active apache2 php8.2-fpm srv-nfs-web.mount srv-nfs-web.automount | grep -x active
:`;
const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(`three tiers${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let farm: ExampleFarm;

  /** Who answers how many of the requests of some seconds. */
  async function answers(forMs: number): Promise<Readonly<Record<string, number>>> {
    const stop = farm.startLoad(VIP, SITE);
    await sleep(forMs);
    const { bodies, failures } = await stop();
    expect(failures).toEqual([]);
    return bodies;
  }

  beforeAll(async () => {
    farm = await openExample('three-tier', IMAGE);
  });
  afterAll(() => farm?.down());

  test('one apply brings all hosts up, a second one changes nothing', async () => {
    await farm.applied();
    expect(await farm.applied()).toEqual([]);
    expect((await farm.farmctl('drift')).exitCode).toBe(0);
  }, 900_000);

  test('the site is put on the NFS server, and both web servers serve it at the virtual address', async () => {
    await farm.lab.host('nfs1').must("echo '<?= gethostname(), PHP_EOL ?>' >/srv/nfs/web/index.php");
    const { web1 = 0, web2 = 0, ...others } = await answers(6_000);
    expect(others).toEqual({});
    expect(web1).toBeGreaterThan(8);
    expect(Math.abs(web1 - web2)).toBeLessThanOrEqual(2);
  });

  test('every declared check holds', async () => {
    const { exitCode, stdout } = await farm.verify();
    expect(stdout).toMatch(/\d+ checks on 5 hosts: \d+ ok, 0 failed\.\n$/);
    expect(exitCode).toBe(0);
  });

  test.skipIf(!isSoak)(
    'a web server more is one word in the inventory, and one less is another: nobody notices but the balance',
    async () => {
      await farm.become(['"web[1:2]"', '"web[1:3]"']);
      const stopGrowing = farm.startLoad(VIP, SITE);
      const grown = await farm.applied();
      expect((await stopGrowing()).failures).toEqual([]);
      expect(grown).toContain('lb1: update service ldirectord.service');
      expect(grown).toContain('nfs1: update service nfs-server.service');
      const { web1 = 0, web2 = 0, web3 = 0 } = await answers(6_000);
      expect(Math.max(web1, web2, web3) - Math.min(web1, web2, web3)).toBeLessThanOrEqual(3);

      const before = await farm.lab.host('web3').must(LEFT);
      await farm.become(['"web[1:2]": { web: 10.77.0.21, back: 10.77.1.21 }', RETIRED]);
      const foreseen = await farm.farmctl('plan');
      expect(foreseen.changes).toContain('web3: delete service farmctl-lvs-real.service');
      const stopShrinking = farm.startLoad(VIP, SITE);
      await farm.applied();
      expect((await stopShrinking()).failures).toEqual([]);
      expect(Object.keys(await answers(3_000)).sort()).toEqual(['web1', 'web2']);
      expect(before).not.toBe('');
      expect(await farm.lab.host('web3').must(LEFT)).toBe('');
      expect((await farm.farmctl('drift')).exitCode).toBe(0);
    },
    900_000,
  );
});
