import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandResult, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import type { Answer, ClientSpec, Download } from './projects/lvs/web-client.ts';

const reason = await whyNoLab();
const CLIENT = join(PROJECT_PATH, 'test/e2e/projects/lvs/web-client.ts');
const VIP = '10.85.0.100';
const MEDIA3 = 'media3: { web: 10.85.0.33 }';

/** Two directors, media servers that are reached directly, and app servers behind the directors by NAT. */
function inventory(media3: string): string {
  const nat = 'vip: www, serves: apache-app, method: nat, network: back';
  return `farm: lvs
domain: lvs.example
os: debian-12
networks: { web: { cidr: 10.85.0.0/24, device: eth0 }, back: { cidr: 10.85.1.0/24, device: eth1 } }
vips: { www: { address: ${VIP}, pair: [lb1, lb2] }, inner: { address: 10.85.1.1, pair: [lb1, lb2] } }
variables:
  heartbeat: { authkey: !file ha.key }
  lvs-dr:
    services:
      - { name: www, vip: www, ports: [80], serves: apache-media, scheduler: rr }
      - { name: weighted, ports: [8080], scheduler: wrr, ${nat} }
      - { name: least, ports: [8081], scheduler: lc, ${nat} }
      - { name: sticky, ports: [8082], persistence: { seconds: 60 }, ${nat} }
tiers:
  lb:
    roles: [lvs-dr/director, heartbeat]
    hosts: { 'lb[1:2]': { web: 10.85.0.11, back: 10.85.1.11 } }
  media:
    roles: [lvs-dr/real, apache-media]
    hosts:
      'media[1:2]': { web: 10.85.0.31 }
      ${media3}
  app:
    roles: [lvs-dr/real, apache-app]
    hosts: { app1: { back: 10.85.1.21, lvs-dr: { weights: { weighted: 3 } } }, app2: { back: 10.85.1.22 } }
`;
}

const MEDIA: ClientSpec = { address: VIP, port: 80, host: 'static.lvs.example', path: '/who.txt' };
const APP: ClientSpec = { ...MEDIA, port: 8080, host: 'www.lvs.example' };

const good = (answers: readonly Answer[]) => answers.filter(({ who }) => who !== undefined);
const bad = (answers: readonly Answer[]) => answers.filter(({ who }) => who === undefined);

/** How many requests each server has answered. */
function shares(answers: readonly Answer[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { who } of good(answers)) counted[who ?? ''] = (counted[who ?? ''] ?? 0) + 1;
  return counted;
}

describe.skipIf(reason !== undefined)(
  `balanced web servers${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let lab: Lab;
    let folder: string;
    let path: string;

    const on = (host: string, script: string): Promise<string> =>
      lab
        .host(host)
        .must(script)
        .then((text) => text.trim());

    async function farmctl(command: string, ...more: readonly string[]): Promise<CommandResult & { said: string }> {
      const result = await lab.farmctl([command, '-i', path, ...more]);
      return { ...result, said: result.stdout + result.stderr };
    }

    async function applied(): Promise<string> {
      const { exitCode, said } = await farmctl('apply', '--yes', '-v');
      if (exitCode !== 0) throw new Error(said);
      return said;
    }

    async function converged(): Promise<void> {
      const { exitCode, said } = await farmctl('drift');
      expect(exitCode, said).toBe(0);
    }

    const words = (way: string, spec: ClientSpec) => [process.execPath, CLIENT, way, JSON.stringify(spec)];

    async function client<T>(way: string, spec: ClientSpec): Promise<T> {
      const { exitCode, stdout, stderr } = await lab.run(words(way, spec));
      if (exitCode !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    }

    const load = (spec: ClientSpec) => client<readonly Answer[]>('load', spec);

    /** Clients while something is done, and a second before and after it. */
    async function during(spec: ClientSpec, something: () => Promise<unknown>): Promise<readonly Answer[]> {
      const running = lab.start(words('load', spec));
      await sleep(1_000);
      try {
        await something();
        await sleep(1_000);
      } finally {
        running.kill('SIGTERM');
      }
      const { stdout, stderr } = await running.result;
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    }

    async function holders(): Promise<readonly string[]> {
      const said = await Promise.all(
        ['lb1', 'lb2'].map(async (name) => {
          const { stdout } = await lab.host(name).exec(`ip -4 -o address show to ${VIP}/32`);
          return stdout.includes(VIP) ? [name] : [];
        }),
      );
      return said.flat();
    }

    async function holder(): Promise<{ active: string; standby: string }> {
      const [active = 'none', ...others] = await holders();
      expect([active, ...others]).toEqual([expect.stringMatching(/^lb[12]$/)]);
      return { active, standby: active === 'lb1' ? 'lb2' : 'lb1' };
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'farmctl-lvs-'));
      path = join(folder, 'lvs.yaml');
      await writeFile(join(folder, 'ha.key'), '7ac9c0a34b0d3cb4cf5d2ca51b8a9bd0\n');
      await writeFile(path, inventory(MEDIA3));
      lab = await openLab(path, { name: 'test-lvs', image: 'warm', fresh: true });
      // The way back of what was translated is the routing of the farm.
      for (const name of ['app1', 'app2']) await on(name, 'ip route replace default via 10.85.1.1');
      for (const name of ['app1', 'app2']) await page(name, APP.host);
      for (const name of ['media1', 'media2', 'media3']) await page(name, MEDIA.host);
      await writeFile(path, inventory(''));
      await applied();
    });

    /** Its own name to be fetched, and something long: there before the server is. */
    async function page(name: string, site: string): Promise<void> {
      const root = `/srv/www/${site}`;
      await on(
        name,
        `mkdir -p ${root} && echo ${name} >${root}/who.txt && head -c 12000000 /dev/zero >${root}/long.bin`,
      );
    }

    afterAll(async () => {
      await lab?.down();
      await rm(folder, { recursive: true, force: true });
    });

    test('a second apply plans nothing, one director has the address, and all checks hold', async () => {
      await holder();
      await converged();
      const { exitCode, said } = await farmctl('verify');
      expect(exitCode, said).toBe(0);
      expect(await on('lb1', 'systemctl is-enabled ipvsadm.service; :')).toBe('masked');
    });

    test('round robin is even, and answers do not come by the director', async () => {
      const { active } = await holder();
      const found = shares(await load({ ...MEDIA, count: 41 }));
      expect(Object.keys(found).sort()).toEqual(['media1', 'media2']);
      expect(Math.abs((found['media1'] ?? 0) - (found['media2'] ?? 0)), JSON.stringify(found)).toBeLessThanOrEqual(1);
      // The kernel adds its counters up every few seconds, so what was before cannot be told from this: it was direct too.
      const counted = async () => {
        const line = await on(active, `ipvsadm -Ln --stats | sed -n 's/^TCP  ${VIP}:80 *//p'`);
        const [connections, , out] = line.split(/ +/);
        return { connections: Number(connections), out };
      };
      const wait = { timeout: 30_000, interval: 1_000 };
      await expect.poll(async () => (await counted()).connections, wait).toBeGreaterThanOrEqual(41);
      expect(await counted()).toMatchObject({ out: '0' });
      // It is the director that has answered who has the address.
      const neighbour = (await lab.run(['ip', 'neigh', 'show', VIP])).stdout;
      expect(neighbour).toContain(await on(active, 'cat /sys/class/net/eth0/address'));
    });

    test('translated: weights count, the least busy comes first, sticky clients stay', async () => {
      const weighted = shares(await load({ ...APP, count: 120 }));
      expect(Object.keys(weighted).sort()).toEqual(['app1', 'app2']);
      expect(Math.abs((weighted['app1'] ?? 0) / 120 - 0.75), JSON.stringify(weighted)).toBeLessThan(0.05);

      const least = await client<{ first: string[]; then: string[] }>('least', { ...APP, port: 8081 });
      expect([...least.first].sort()).toEqual(['app1', 'app1', 'app2', 'app2']);
      expect(least.then).toEqual([least.first[0], least.first[0]]);

      const clients = await moreClients();
      const sticky = await load({ ...APP, port: 8082, count: 40, from: clients });
      expect(bad(sticky)).toEqual([]);
      for (const one of clients)
        expect(new Set(sticky.filter(({ from }) => from === one).map(({ who }) => who)).size).toBe(1);
      expect(Object.keys(shares(sticky)).sort()).toEqual(['app1', 'app2']);
    });

    /** Four addresses for clients in the lab's network. */
    async function moreClients(): Promise<readonly string[]> {
      const addresses = [201, 202, 203, 204].map((last) => `10.85.0.${last}`);
      const device = JSON.parse((await lab.run(['ip', '-j', 'address', 'show', 'to', '10.85.0.0/24'])).stdout)[0]
        .ifname;
      for (const one of addresses) await lab.run(['ip', 'address', 'replace', `${one}/24`, 'dev', device]);
      return addresses;
    }

    test('a server whose Apache stopped is out within a check, nothing fails after that, and it comes back', async () => {
      const { active } = await holder();
      const inTable = 'ipvsadm -Ln | grep -q "10.85.0.32:80 "';
      let stoppedAt = 0;
      let outAt = 0;
      const answers = await during({ ...MEDIA, perSecond: 20 }, async () => {
        stoppedAt = Date.now();
        await Promise.all([
          on('media2', 'systemctl stop apache2'),
          on(active, `while ${inTable}; do sleep 0.1; done`).then(() => {
            outAt = Date.now();
          }),
        ]);
        await sleep(3_000);
        await on('media2', 'systemctl start apache2');
        await on(active, `until ${inTable}; do sleep 0.1; done`);
        await sleep(1_000);
      });
      const failed = bad(answers);
      console.log(
        `Apache stopped: out after ${outAt - stoppedAt} ms; ${failed.length} of ${answers.length} requests failed before that`,
      );
      expect(failed.filter(({ at }) => at > outAt)).toEqual([]);
      expect(outAt - stoppedAt).toBeLessThan(10_000);
      expect(shares(answers.slice(-15))).toHaveProperty('media2');
    });

    test("changes in the kernel's table, on the loopback and in the ARP settings are found and put right", async () => {
      const { active, standby } = await holder();
      await on(
        active,
        `ipvsadm -e -t ${VIP}:8080 -r 10.85.1.21:80 -m -w 7
ipvsadm -E -t ${VIP}:8081 -s wrr
ipvsadm -A -t 10.85.0.100:25 -s rr; ipvsadm -a -t 10.85.0.100:25 -r 10.85.0.31:25 -g
ipvsadm -d -t ${VIP}:80 -r 10.85.0.32:80`,
      );
      await on(
        standby,
        'ipvsadm --set 100 20 30; ipvsadm --stop-daemon backup; sysctl -qw net.ipv4.vs.expire_nodest_conn=0',
      );
      await on('media1', `ip address del ${VIP}/32 dev lo`);
      await on('media2', 'sysctl -qw net.ipv4.conf.all.arp_ignore=0');
      const drift = await farmctl('drift');
      expect(drift.exitCode, drift.said).toBe(2);
      for (const found of [
        `weighted ${VIP}:8080/tcp app1 10.85.1.21:80 nat, weight 7 -> nat, weight 3`,
        `least ${VIP}:8081/tcp wrr -> lc`,
        `${VIP}:25/tcp rr -> (none)`,
        `www ${VIP}:80/tcp media2 10.85.0.32:80 missing -> direct, weight 1`,
        'timeouts 100 20 30 -> 900 120 300',
        'synchronisation master eth0 100 -> backup eth0 100, master eth0 100',
        'sysctl net.ipv4.vs.expire_nodest_conn',
        `loopback-vip ${VIP} on lo`,
        'sysctl net.ipv4.conf.all.arp_ignore',
      ])
        expect(drift.stdout).toContain(found);
      expect(drift.stdout).toContain('on 4 hosts');
      await applied();
      await converged();
      // Within one of even: the kernel begins anew with the first server where a daemon edits the service meanwhile.
      const { media1 = 0, media2 = 0 } = shares(await load({ ...MEDIA, count: 20 }));
      expect([9, 10, 11]).toContain(media1);
      expect(media1 + media2).toBe(20);
    });

    test('a server that is missing and fails its check is a note, and no drift', async () => {
      await on('media2', 'systemctl stop apache2');
      for (const name of ['lb1', 'lb2'])
        await on(name, 'while ipvsadm -Ln | grep -q "10.85.0.32:80 "; do sleep 0.2; done');
      const { exitCode, said } = await farmctl('drift', '-l', 'lb1,lb2');
      expect(exitCode, said).toBe(0);
      expect(said).toContain('media2 (10.85.0.32:80) is out of service www: it fails its check.');
      await on('media2', 'systemctl start apache2');
      for (const name of ['lb1', 'lb2'])
        await on(name, 'until ipvsadm -Ln | grep -q "10.85.0.32:80 "; do sleep 0.2; done');
    });

    test('one line more is a server more, and no request fails meanwhile', async () => {
      await writeFile(path, inventory(MEDIA3));
      const answers = await during({ ...MEDIA, perSecond: 10 }, applied);
      expect(bad(answers)).toEqual([]);
      expect(shares(answers.slice(-8))).toHaveProperty('media3');
    });

    test('the power of the active director fails: the other one goes on, with the connections', async () => {
      const { active, standby } = await holder();
      const clients = await moreClients();
      const sticky = async () =>
        (await load({ ...APP, port: 8082, count: 8, from: clients })).map(({ from, who }) => `${from} ${who}`);
      const before = new Set(await sticky());
      // What the apply before has written is to be on the disk: here it is not about files.
      await on(active, 'sync');
      const downloading = client<Download>('download', { ...MEDIA, path: '/long.bin' });
      let offAt = 0;
      let deadAt = 0;
      const answers = await during({ ...MEDIA, perSecond: 20, count: 1_200 }, async () => {
        await sleep(1_000);
        const offset = Number(await on(standby, 'date +%s%3N')) - Date.now();
        offAt = Date.now();
        await lab.host(active).powerOff();
        await on(standby, `until ip -4 -o address show to ${VIP}/32 | grep -q .; do sleep 0.2; done`);
        const dead = await on(
          standby,
          `journalctl -q -o short-unix -u heartbeat --grep 'node ${active}: is dead' | tail -n1`,
        );
        deadAt = Number(dead.split(' ')[0]) * 1_000 - offset;
        await sleep(10_000);
      });
      const failed = bad(answers);
      const lastBefore = Math.max(
        ...good(answers)
          .filter(({ at }) => at <= offAt)
          .map(({ at, ms }) => at + ms),
      );
      const firstAfter = Math.min(
        ...good(answers)
          .filter(({ at }) => at > offAt + 200)
          .map(({ at, ms }) => at + ms),
      );
      const download = await downloading;
      console.log(
        `power off: noticed after ${Math.round(deadAt - offAt)} ms; no answers for ${firstAfter - lastBefore} ms; ` +
          `${failed.length} of ${answers.length} requests failed (20 a second); ` +
          `a download paused ${download.longestPauseMs} ms and ${download.error ?? 'went on'}`,
      );
      // The role's own share is deadtime and a second; the rest is a machine that many tests share.
      expect(deadAt - offAt).toBeLessThan(9_000);
      expect(firstAfter - lastBefore).toBeLessThan(50_000);
      expect(download).toMatchObject({ bytes: 12_000_000 });
      expect(new Set(await sticky())).toEqual(before);

      await lab.host(active).powerOn();
      await on(active, 'until cl_status rscstatus 2>/dev/null | grep -qx none; do sleep 0.5; done');
      expect(await holders()).toEqual([standby]);
      // Nobody else has started it: one, with a process for each service.
      expect(await on(active, "ps -eo ppid=,args= | grep -c '^ *1 .*[l]directord'")).toBe('1');
      await converged();
    });

    test('a retired server gets no more traffic, no request fails, and nothing of it is left', async () => {
      await writeFile(path, inventory('media3: { web: 10.85.0.33, retired: true }'));
      let said = '';
      const answers = await during({ ...MEDIA, perSecond: 10 }, async () => {
        said = await applied();
      });
      expect(said).toContain('- service farmctl-lvs-real.service  [outage]  on media3');
      expect(bad(answers)).toEqual([]);
      expect(Object.keys(shares(answers.slice(-8))).sort()).toEqual(['media1', 'media2']);
      expect(await on('media3', `ip -4 -o address show to ${VIP}/32; ls /var/lib/farmctl 2>/dev/null; :`)).toBe('');
      await converged();
    });
  },
);

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
