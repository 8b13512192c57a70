import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { type ExampleFarm, openExample } from './example-farm.ts';

const VIPS = { www: '10.77.0.100', media: '10.77.0.101', dns: '10.77.0.53' };
const RETIRED = `"media[1:2]": { web: 10.77.0.31 }
      media3: { web: 10.77.0.33, retired: true }`;
const isSoak = process.env['FARMCTL_SOAK'] === '1';
const reason = isSoak ? await whyNoLab() : 'for FARMCTL_SOAK=1, as nine hosts take long';

describe.skipIf(reason !== undefined)(`the whole farm${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let farm: ExampleFarm;

  /** Who answers how many of the requests of some seconds. */
  async function answers(vip: keyof typeof VIPS, forMs: number): Promise<Readonly<Record<string, number>>> {
    const stop = farm.startLoad(VIPS[vip], `${vip}.farm.example`);
    await sleep(forMs);
    const { bodies, failures } = await stop();
    expect(failures).toEqual([]);
    return bodies;
  }

  /** What the name servers say at their virtual address; empty where there is no such name. */
  async function ask(name: string, type: string): Promise<string> {
    const argv = [process.execPath, 'test/lab/client.ts', 'ask', VIPS.dns, name, type];
    const { exitCode, stdout, stderr } = await farm.lab.run(argv);
    if (exitCode !== 0 && !stderr.includes('ENOTFOUND')) throw new Error(stderr);
    return stdout.trim();
  }

  /** Connections that the directors have handed to each media server, by address. */
  async function handedOn(): Promise<Readonly<Record<string, number>>> {
    const script = `ipvsadm -Ln --stats --exact -t ${VIPS.media}:80 | sed -n 's/^ *-> \\([0-9.]*\\):80 *\\([0-9]*\\) .*/\\1 \\2/p'`;
    const counts: Record<string, number> = {};
    for (const director of ['lb1', 'lb2'])
      for (const line of (await farm.lab.host(director).must(script)).trim().split('\n')) {
        const [server = '', count = ''] = line.split(' ');
        counts[server] = (counts[server] ?? 0) + Number(count);
      }
    return counts;
  }

  beforeAll(async () => {
    farm = await openExample('farm', 'blank');
  });
  afterAll(() => farm?.down());

  test('one apply brings all hosts up, a second one changes nothing', async () => {
    await farm.applied();
    expect(await farm.applied()).toEqual([]);
    expect((await farm.farmctl('drift')).exitCode).toBe(0);
  }, 900_000);

  test('every declared check holds', async () => {
    const { exitCode, stdout } = await farm.verify();
    expect(stdout).toMatch(/\d+ checks on 9 hosts: \d+ ok, 0 failed\.\n$/);
    expect(exitCode).toBe(0);
  });

  test('names come from the address of the name servers, pages from NFS by way of the directors', async () => {
    await farm.lab.host('nfs1').must("echo '<?= gethostname(), PHP_EOL ?>' >/srv/nfs/web/index.php");
    // What an application server writes, the media servers serve.
    await farm.lab.host('app1').must('runuser -u farmweb -- sh -c "echo a picture >/srv/nfs/media/index.html"');
    for (const [name, address] of Object.entries(VIPS)) expect(await ask(`${name}.farm.example`, 'A')).toBe(address);
    // A session stays where it is.
    expect(Object.keys(await answers('www', 3_000))).toEqual([expect.stringMatching(/^app[12]$/)]);
    expect(Object.keys(await answers('media', 4_000))).toEqual(['a picture']);
    const { '10.77.0.31': media1 = 0, '10.77.0.32': media2 = 0 } = await handedOn();
    expect(Math.min(media1, media2)).toBeGreaterThan(3);
  });

  test('a media server more is known to the directors, to NFS and to the name servers, and forgotten by all', async () => {
    expect(await ask('media3.farm.example', 'A')).toBe('');
    await farm.become(['"media[1:2]"', '"media[1:3]"']);
    await farm.applied();
    expect(await ask('media3.farm.example', 'A')).toBe('10.77.0.33');
    expect(await ask('33.0.77.10.in-addr.arpa', 'PTR')).toBe('media3.farm.example');
    await answers('media', 4_000);
    expect((await handedOn())['10.77.0.33']).toBeGreaterThan(3);

    await farm.become(['"media[1:2]": { web: 10.77.0.31 }', RETIRED]);
    const foreseen = await farm.farmctl('plan');
    expect(foreseen.changes).toContain('media3: delete service farmctl-lvs-real.service');
    const stop = farm.startLoad(VIPS.media, 'media.farm.example');
    await farm.applied();
    expect((await stop()).failures).toEqual([]);
    expect(Object.keys(await handedOn()).sort()).toEqual(['10.77.0.31', '10.77.0.32']);
    expect(await ask('media3.farm.example', 'A')).toBe('');
    expect((await farm.farmctl('drift')).exitCode).toBe(0);
  }, 900_000);
});
