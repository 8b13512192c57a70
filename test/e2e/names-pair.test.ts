import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import type { LoadReport } from './dns-load.ts';

const reason = await whyNoLab();
const VIP = '10.84.0.53';
const NAMES = ['ns1', 'ns2'] as const;
type Name = (typeof NAMES)[number];
const KEYS = [
  '5e1d8d5c0a4b4f0e9a7be0c1d2e3f401',
  '6f1d8d5c0a4b4f0e9a7be0c1d2e3f402',
  '7a1d8d5c0a4b4f0e9a7be0c1d2e3f403',
];
const TUNED = 'warntime: 1, deadtime: 2, initdead: 10';
const JOURNAL = '/var/lib/farmctl/services/heartbeat.service/journal';

const other = (name: Name): Name => (name === 'ns1' ? 'ns2' : 'ns1');

function inventory(heartbeat = '', vips = ''): string {
  return `farm: names
domain: names.example
os: debian-12
networks: { web: { cidr: 10.84.0.0/24, device: eth0 }, db: { cidr: 10.84.1.0/24, device: eth1 } }
vips: { dns: { address: ${VIP}, pair: [ns1, ns2] }${vips} }
variables: { bind9: { tsig: !file tsig.key }, heartbeat: { authkey: !file ha.key, ${heartbeat} } }
tiers:
  dns: { roles: [bind9, heartbeat], hosts: { 'ns[1:2]': { web: 10.84.0.11, db: 10.84.1.11 } } }
`;
}

describe.skipIf(reason !== undefined)(
  `a pair of name servers${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let lab: Lab;
    let folder: string;
    let path: string;
    /** All that farmctl ever printed. */
    let printed = '';
    /** Who has no power now. */
    const off = new Set<Name>();

    async function farmctl(command: string, ...more: readonly string[]) {
      const { exitCode, stdout, stderr } = await lab.farmctl([command, '-i', path, ...more]);
      printed += stdout + stderr;
      return { exitCode, said: stdout + stderr };
    }

    async function applied(...more: readonly string[]): Promise<string> {
      const { exitCode, said } = await farmctl('apply', '--yes', ...more);
      if (exitCode !== 0) throw new Error(said);
      return said;
    }

    async function converged(): Promise<void> {
      const { exitCode, said } = await farmctl('drift');
      expect(exitCode, said).toBe(0);
    }

    const given = (heartbeat?: string, vips?: string): Promise<void> => writeFile(path, inventory(heartbeat, vips));
    const newKey = (key: string | undefined): Promise<void> => writeFile(join(folder, 'ha.key'), `${key}\n`);

    async function on(host: Name, script: string): Promise<string> {
      return (await lab.host(host).must(script)).trim();
    }

    const onBoth = (script: string): Promise<readonly string[]> => Promise.all(NAMES.map((name) => on(name, script)));

    async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 120_000): Promise<void> {
      const end = performance.now() + timeoutMs;
      while (!(await isSo())) {
        if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
        await sleep(200);
      }
    }

    /** Who has the address; a host that is off has none. */
    async function holders(): Promise<readonly Name[]> {
      const looks = NAMES.filter((name) => !off.has(name)).map(async (name) => {
        const { stdout } = await lab.host(name).exec(`ip -4 -o address show to ${VIP}/32`);
        return stdout.trim() === '' ? [] : [name];
      });
      return (await Promise.all(looks)).flat();
    }

    /** Both run, hear each other and have agreed who has the address. @returns who has it */
    async function settled(): Promise<Name> {
      let holder: Name | undefined;
      await until('both agree', async () => {
        const looks = NAMES.map(async (name) => {
          const agrees = `[ "$(cl_status nodestatus ${other(name)})" = active ]; a=$?; cl_status rscstatus | grep -Eqx 'local|foreign|all|none' && exit $a`;
          return (await lab.host(name).exec(agrees)).exitCode === 0;
        });
        const [one, ...more] = await holders();
        holder = one;
        return (await Promise.all(looks)).every(Boolean) && one !== undefined && more.length === 0;
      });
      if (holder === undefined) throw new Error('nobody has the address');
      return holder;
    }

    /** Asks through the address while something is done. @returns the longest time without an answer, in seconds */
    async function asking(task: () => Promise<unknown>): Promise<number> {
      const load = lab.start([process.execPath, 'test/e2e/dns-load.ts', VIP, 'names.example'], { timeoutMs: 400_000 });
      try {
        await until('questions are asked', async () => load.stdout() !== '');
        await sleep(500);
        await task();
        await sleep(500);
      } finally {
        load.kill('SIGTERM');
      }
      const { stdout, stderr } = await load.result;
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) throw new Error(`no report: ${stdout}${stderr}`);
      const { silences } = JSON.parse(last) as LoadReport;
      return Math.max(0, ...silences.map((one) => one.lastedMs)) / 1000;
    }

    /** Seconds that a busy machine may add, which are not heartbeat's; none where it is idle. */
    const busy = (): number => Math.max(0, (loadavg()[0] ?? 0) / cpus().length - 1);

    /** Pulls the holder's cord. */
    async function powerCut(deadtime: number): Promise<Name> {
      const holder = await settled();
      const lost = await asking(async () => {
        off.add(holder);
        await lab.host(holder).powerOff();
        await until('the other has the address', async () => (await holders()).includes(other(holder)));
        await sleep(1000);
      });
      console.log(`power cut of the holder, deadtime ${deadtime} s: ${lost.toFixed(2)} s without an answer`);
      await lab.host(holder).powerOn();
      off.delete(holder);
      expect(lost).toBeGreaterThan(deadtime / 2);
      expect(lost).toBeLessThan(deadtime + 1 + busy());
      return holder;
    }

    /** When the unit was started, in microseconds of the machine's clock, which containers share. */
    const startedAt = async (unit: string): Promise<readonly number[]> =>
      (await onBoth(`systemctl show -P ActiveEnterTimestampMonotonic ${unit}`)).map(Number);

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'farmctl-pair-'));
      path = join(folder, 'names.yaml');
      await writeFile(join(folder, 'tsig.key'), 'vN0n2sDq1cXJtq0lYk3hWm9yJ0b3cF0Yb4w3W2m8d1E=\n');
      await newKey(KEYS[0]);
      await given();
      lab = await openLab(path, { name: 'test-pair', image: 'deps', fresh: true });
      await applied();
    }, 400_000);

    afterAll(async () => {
      await lab?.down();
      await rm(folder, { recursive: true, force: true });
    });

    test('comes up together, with what is needed and nothing more; one of them has the address', async () => {
      const [one = 0, two = 0] = await startedAt('heartbeat.service');
      // One after the other the first would have waited for the second in vain.
      expect(Math.abs(one - two) / 1e6).toBeLessThan(15);
      const holder = await settled();
      const { exitCode, said } = await farmctl('verify');
      expect(exitCode, said).toBe(0);
      expect(said).toContain(`holder of dns: ${holder} has it`);
      expect(await asking(() => sleep(1000))).toBeLessThan(2);
      for (const name of NAMES) {
        expect(await on(name, "dpkg -l | grep '^ii  *\\(pacemaker\\|corosync\\)' || :")).toBe('');
        // Started once, by us: dpkg would have started it without its files.
        expect(await on(name, 'journalctl -o cat -u heartbeat.service | grep -c "^Started"')).toBe('1');
        expect(await on(name, 'journalctl -o cat -u logd.service')).toBe('');
        expect(await on(name, 'stat -c "%a %U" /etc/ha.d/authkeys; systemctl is-enabled heartbeat')).toBe(
          '600 root\nenabled',
        );
      }
      await converged();
    }, 120_000);

    test('verify sees it where both have the address, and where neither does', async () => {
      const holder = await settled();
      await on(other(holder), `ip address add ${VIP}/32 dev eth0`);
      const both = await farmctl('verify', '-t', 'heartbeat');
      expect(both.exitCode).toBe(2);
      expect(both.said).toContain('ns1 and ns2 both have it');
      await onBoth(`ip address del ${VIP}/32 dev eth0`);
      const neither = await farmctl('verify', '-t', 'heartbeat');
      expect(neither.exitCode).toBe(2);
      expect(neither.said).toContain('neither ns1 nor ns2 has it');
      await on(holder, `ip address add ${VIP}/32 dev eth0`);
      await settled();
    }, 60_000);

    test('says before anything is touched what cannot work, or works badly', async () => {
      const files = 'cat /etc/ha.d/ha.cf /etc/ha.d/haresources | sha256sum; systemctl show -P InvocationID heartbeat';
      const before = await onBoth(files);
      await given('resources: [{ agent: nosuch }]');
      const refused = await farmctl('apply', '--yes');
      expect(refused.exitCode).toBe(3);
      expect(refused.said).toContain('service/refused-configuration');
      expect(refused.said).toContain('there is no resource agent nosuch');
      await given('networks: [web]');
      expect((await farmctl('plan')).said).toContain('speak to each other on web alone: if it fails, both take');
      expect(await onBoth(files)).toEqual(before);
      await given();
      await converged();
    }, 60_000);

    test('takes a new key in one step: nobody is lost, and nobody sees it', async () => {
      const holder = await settled();
      const before = await onBoth('systemctl show -P InvocationID heartbeat');
      await newKey(KEYS[1]);
      const watches = NAMES.map((name) =>
        lab.host(name).must(
          `umask 077; cat >/run/keys; seen=; until [ -e /run/enough ]; do
grep -a -l -F -f /run/keys /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; sleep 0.05; done; rm /run/keys /run/enough`,
          { input: `${KEYS.join('\n')}\n`, timeoutMs: 100_000 },
        ),
      );
      try {
        // Longer than the two would wait for each other if they were parted.
        const lost = await asking(async () => {
          expect(await applied()).toContain('reload');
          await sleep(6000);
        });
        expect(lost).toBeLessThan(2);
      } finally {
        await onBoth(': >/run/enough');
      }
      expect((await Promise.all(watches)).join('')).toBe('');
      expect(await settled()).toBe(holder);
      expect(await onBoth('systemctl show -P InvocationID heartbeat')).toEqual(before);
      expect(await onBoth(`grep -c ${KEYS[1]} /etc/ha.d/authkeys`)).toEqual(['1', '1']);
      await converged();
    }, 120_000);

    test.each(['ns1, ns2', 'ns2, ns1'])(
      'a second address (%s) is there after one apply, and gone after another',
      async (pair) => {
        await settled();
        await given('', `, two: { address: 10.84.0.54, pair: [${pair}] }`);
        await applied();
        const have = async () => (await onBoth('ip -4 -o address show to 10.84.0.54/32 | wc -l')).join(' ');
        await until('one has it', async () => ['1 0', '0 1'].includes(await have()), 20_000);
        await settled();
        await converged();
        expect((await farmctl('verify')).exitCode).toBe(0);
        await given();
        await applied();
        expect(await have()).toBe('0 0');
        await converged();
      },
      240_000,
    );

    test('gives the files back where they do not get to both', async () => {
      const before = await onBoth('cat /etc/ha.d/authkeys /etc/ha.d/ha.cf /etc/ha.d/haresources | sha256sum');
      await newKey(KEYS[2]);
      await on('ns2', 'mount --bind /etc/ha.d /etc/ha.d && mount -o remount,ro,bind /etc/ha.d');
      const { exitCode, said } = await farmctl('apply', '--yes');
      expect(exitCode, said).toBe(3);
      await on('ns2', 'umount /etc/ha.d');
      expect(await onBoth('cat /etc/ha.d/authkeys /etc/ha.d/ha.cf /etc/ha.d/haresources | sha256sum')).toEqual(before);
      expect(await onBoth(`ls ${JOURNAL} /etc/ha.d/.farmctl* 2>/dev/null || :`)).toEqual(['', '']);
      await settled();
    }, 60_000);

    test('goes on where it was killed between the files and the reloads; the pair does not part meanwhile', async () => {
      const holder = await settled();
      const slow = '/usr/local/sbin/unshare';
      await on('ns2', `printf '#!/bin/sh\\nsleep 4\\nexec /usr/bin/unshare "$@"\\n' >${slow}; chmod 755 ${slow}`);
      const lost = await asking(async () => {
        const run = lab.startFarmctl(['apply', '-i', path, '--yes']);
        // The second one's checker is still at work when the first has its files.
        await until('ns1 has its files', async () => (await lab.host('ns1').exec(`[ -e ${JOURNAL} ]`)).exitCode === 0);
        run.kill('SIGKILL');
        await run.result;
        printed += run.stdout() + run.stderr();
        await on('ns2', `rm ${slow}`);
        await sleep(6000);
        expect(await holders()).toEqual([holder]);
        await until('ns2 is free', async () => (await farmctl('drift', '--lock-timeout', '30')).exitCode === 2);
        await applied();
      });
      expect(lost).toBeLessThan(2);
      expect(await onBoth(`grep -c ${KEYS[2]} /etc/ha.d/authkeys`)).toEqual(['1', '1']);
      expect(await settled()).toBe(holder);
      await converged();
    }, 120_000);

    test('is restarted one after the other, the one without the address first', async () => {
      const holder = await settled();
      const before = await startedAt('heartbeat.service');
      await given('startAfter: [named.service]');
      const lost = await asking(() => applied());
      const after = await startedAt('heartbeat.service');
      expect(after.every((at, index) => at > (before[index] ?? at))).toBe(true);
      const [one = 0, two = 0] = after;
      expect(holder === 'ns1' ? two < one : one < two).toBe(true);
      expect(await settled()).toBe(other(holder));
      expect(lost).toBeLessThan(4 + busy());
      console.log(`restart of both: ${lost.toFixed(2)} s without an answer`);
      await given();
      await applied();
      await settled();
      await converged();
    }, 180_000);

    test('what is behind the address is not restarted on both at once either', async () => {
      await onBoth('sed -i s/OPTIONS=.*/OPTIONS="-u bind -d 1"/ /etc/default/named && systemctl restart named');
      const before = await startedAt('named.service');
      const lost = await asking(() => applied());
      const after = await startedAt('named.service');
      expect(after.every((at, index) => at > (before[index] ?? at))).toBe(true);
      expect(lost).toBeLessThan(4 + busy());
      await converged();
    }, 120_000);

    test('whatever happens to its files and units is found and put right', async () => {
      const standby = other(await settled());
      const dropIn = '/etc/systemd/system/heartbeat.service.d/farmctl.conf';
      const files = ['/etc/ha.d/ha.cf', '/etc/ha.d/authkeys', '/etc/ha.d/haresources', dropIn];
      await on(standby, `echo '# more' >>${files[0]}; chmod 644 ${files[1]}; chown games ${files[2]}; rm ${files[3]}`);
      const { exitCode, said } = await farmctl('drift', '--json', '-t', 'heartbeat');
      expect(exitCode, said).toBe(2);
      for (const file of files) expect(said).toContain(file);
      await applied('-l', standby);
      await on(standby, 'systemctl -q disable heartbeat; systemctl stop heartbeat');
      expect((await farmctl('drift')).exitCode).toBe(2);
      await applied('-l', standby);
      expect(await settled()).toBe(other(standby));
      await converged();
    }, 180_000);

    test('an address that somebody put on the standby is taken off, whatever its prefix', async () => {
      const standby = other(await settled());
      await on(standby, `ip address add ${VIP}/24 dev eth0`);
      expect((await farmctl('drift')).exitCode).toBe(2);
      await applied();
      expect(await holders()).toEqual([other(standby)]);
      await converged();
    }, 120_000);

    test('what both must have alike waits where one of them is off', async () => {
      const holder = await settled();
      const gone = other(holder);
      off.add(gone);
      await lab.host(gone).powerOff();
      await newKey(KEYS[0]);
      expect((await farmctl('plan')).said).toContain(`heartbeat on ${holder} must change together with ${gone}`);
      const { exitCode, said } = await farmctl('apply', '--yes');
      expect(exitCode, said).toBe(4);
      expect(said).toContain(`heartbeat on ${holder} must change together with ${gone}`);
      expect(await on(holder, `grep -c ${KEYS[2]} /etc/ha.d/authkeys`)).toBe('1');
      await lab.host(gone).powerOn();
      off.delete(gone);
      expect(await settled()).toBe(holder);
      await applied();
      expect(await onBoth(`grep -c ${KEYS[0]} /etc/ha.d/authkeys`)).toEqual(['1', '1']);
      expect(await settled()).toBe(holder);
      await converged();
    }, 180_000);

    test('a power cut costs deadtime and a second at most; the address stays where it went', async () => {
      const cut = await powerCut(5);
      expect(await settled()).toBe(other(cut));
      await converged();
    }, 180_000);

    test('the same with the tuned times; with autoFailback it goes home', async () => {
      await given(`${TUNED}, autoFailback: true`);
      await applied();
      // What comes home by itself is who was away: it counts from the next time.
      if ((await settled()) !== 'ns1') await on('ns1', '/usr/share/heartbeat/hb_takeover');
      await until('it is at home', async () => (await settled()) === 'ns1');
      expect(await powerCut(2)).toBe('ns1');
      await until('it is at home again', async () => (await settled()) === 'ns1');
      await given(TUNED);
      await applied();
    }, 240_000);

    test('a partition ends with one that has the address', async () => {
      const holder = await settled();
      await lab.host(holder).cut('db');
      await sleep(4000);
      // The other link is enough.
      expect(await holders()).toEqual([holder]);
      await lab.host(holder).cut('web');
      await until('both have it', async () => (await holders()).length === 2);
      await lab.host(holder).mend('web');
      await lab.host(holder).mend('db');
      await until('one of them has it', async () => (await holders()).length === 1);
      await sleep(5000);
      await settled();
      expect(await onBoth('systemctl is-active heartbeat')).toEqual(['active', 'active']);
      const { exitCode, said } = await farmctl('verify');
      expect(exitCode, said).toBe(0);
      await converged();
    }, 240_000);

    test('no key was ever printed', () => {
      expect(printed.length).toBeGreaterThan(1000);
      for (const key of KEYS) expect(printed).not.toContain(key);
    });
  },
);
