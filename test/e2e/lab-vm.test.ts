import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { removed, traces } from './traces.ts';

const NAME = 'test-lab-vm';
const TWO = join(PROJECT_PATH, 'test/e2e/lab/two.yaml');
const reason = await whyNoLab();

/** The lab with one host of each kind: app1 is a container, app2 a VM. */
describe.skipIf(reason !== undefined)(`hosts as VMs${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  const kinds = { vm: ['app2'] };

  beforeAll(async () => {
    await removed(NAME);
    lab = await openLab(TWO, { name: NAME, kinds });
  });
  afterAll(() => removed(NAME), 60_000);

  const stateOf = async (name: string) => (await lab.status()).find((one) => one.name === name);
  const bootOf = async () => (await lab.run(['ssh', 'app2', 'cat /proc/sys/kernel/random/boot_id'])).stdout;

  test('have the addresses and devices of the inventory, beside containers on the same bridges', async () => {
    const app2 = lab.host('app2');
    const shown = await app2.must('ip -4 -o addr show scope global; hostname; hostname -f');
    expect(shown).toMatch(/eth0 +inet 10\.78\.0\.22\/24/);
    expect(shown).toMatch(/dbnet +inet 10\.78\.1\.22\/24/);
    expect(shown.split('\n').slice(2, 4)).toEqual(['app2', 'app2.lab.example']);
    expect(await app2.must('systemctl is-system-running --wait')).toBe('running\n');
    await app2.must('ping -c1 -W5 10.78.0.21 && ping -c1 -W5 10.78.1.21');
    for (const name of ['app2', 'app2.lab.example', '10.78.0.22', 'app2.db', 'operator@10.78.1.22']) {
      expect(await lab.run(['ssh', name, 'hostname'])).toMatchObject({ exitCode: 0, stdout: 'app2\n' });
    }
  });

  test('have a kernel of their own, and a disk with a journal', async () => {
    const modules = 'for name in ip_vs nfsd nfs sch_netem; do modprobe "$name" && echo "$name"; done';
    expect(await lab.host('app2').must(modules)).toBe('ip_vs\nnfsd\nnfs\nsch_netem\n');
    expect(await lab.host('app2').must("grep ' / ' /proc/mounts")).toMatch(/ ext4 rw,/);
    expect(await lab.host('app2').must('ls /proc/fs/jbd2')).toContain('ubda');
    expect(await lab.host('app2').must('sysctl -w vm.swappiness=7')).toContain('= 7');
    expect(await lab.host('app1').exec('modprobe ip_vs')).not.toMatchObject({ exitCode: 0 });
  });

  test('cut off one network or all they are still reached by the lab, with any words', async () => {
    const [app1, app2] = [lab.host('app1'), lab.host('app2')];
    await app2.cut('db');
    expect(await stateOf('app2')).toMatchObject({ cut: ['db'] });
    expect(await app1.exec('ping -c1 -W1 10.78.1.22')).toMatchObject({ exitCode: 1 });
    await app1.must('ping -c1 -W5 10.78.0.22');
    await app2.cut();
    expect(await app1.exec('ping -c1 -W1 10.78.0.22')).toMatchObject({ exitCode: 1 });
    expect(await app2.exec(`printf '%s|' "it's" 'a "b"' $'c\n'; exit 7`)).toMatchObject({
      exitCode: 7,
      stdout: `it's|a "b"|$c\n|`,
    });
    await app2.mend();
    await app1.must('ping -c1 -W5 10.78.0.22 && ping -c1 -W5 10.78.1.22');
  });

  test('a frozen one answers nobody, thawed it goes on', async () => {
    const before = await bootOf();
    await lab.host('app2').freeze();
    expect(await stateOf('app2')).toMatchObject({ state: 'frozen' });
    expect(await lab.run(['ssh', 'app2', 'true'], { timeoutMs: 3_000 })).toMatchObject({ timedOut: true });
    await lab.host('app2').thaw();
    expect(await bootOf()).toBe(before);
  });

  test('a slow one answers late, mended at once; a container cannot be slowed', async () => {
    const roundTripMs = async (address: string) => {
      const { stdout } = await lab.host('app1').exec(`ping -c3 -i0.3 -W5 ${address}`);
      return Number(/ = ([0-9.]+)\//.exec(stdout)?.[1]);
    };
    await lab.host('app2').slow(400, 'web');
    expect(await stateOf('app2')).toMatchObject({ slow: ['web'] });
    expect(await roundTripMs('10.78.0.22')).toBeGreaterThanOrEqual(400);
    expect(await roundTripMs('10.78.1.22')).toBeLessThan(400);
    await lab.host('app2').mend();
    expect(await stateOf('app2')).toMatchObject({ slow: [] });
    expect(await roundTripMs('10.78.0.22')).toBeLessThan(400);
    await expect(lab.host('app1').slow(400)).rejects.toThrow(/app1 is a container/);
  });

  test('switched off, by themselves or by their cord, they come back with their disk', async () => {
    const app2 = lab.host('app2');
    await app2.must('echo kept >/root/kept');
    await app2.shutDown();
    expect(await stateOf('app2')).toMatchObject({ state: 'off' });
    await expect(app2.must('true')).rejects.toThrow(/does not run/);
    await app2.powerOn();
    expect(await app2.must('cat /root/kept')).toBe('kept\n');
    await app2.powerOff();
    expect(await lab.host('app1').exec('ping -c1 -W1 10.78.0.22')).toMatchObject({ exitCode: 1 });
    await app2.powerOn();
    expect(await app2.must('cat /root/kept')).toBe('kept\n');
    expect(await lab.run(['ssh', 'app2', 'hostname'])).toMatchObject({ stdout: 'app2\n' });
  });

  test('a reboot from inside', async () => {
    const before = await bootOf();
    await lab.host('app2').exec('systemctl --no-block reboot');
    const other = async () => {
      const now = await bootOf();
      return now !== '' && now !== before;
    };
    await expect.poll(other, { timeout: 60_000, interval: 500 }).toBe(true);
  });

  test('one that cannot boot is named with what its console says, at once', async () => {
    await lab.host('app2').must('rm /usr/local/sbin/lab-init; sync');
    await lab.host('app2').powerOff();
    const started = performance.now();
    await expect(lab.host('app2').powerOn()).rejects.toThrow(/app2 does not boot: Kernel panic/);
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  test('reset gives back the first root, with another host key that ssh knows', async () => {
    const before = (await lab.run(['cat', lab.knownHostsPath])).stdout;
    await lab.reset('app2');
    expect((await lab.run(['cat', lab.knownHostsPath])).stdout).not.toBe(before);
    expect(await lab.run(['ssh', 'app2', 'ls /root/kept'])).toMatchObject({ exitCode: 2 });
  });

  test('of another kind at the next up, a host is made anew', async () => {
    await lab.host('app1').must('echo running >/run/mark');
    const other = await openLab(TWO, { name: NAME });
    expect((await other.status()).map((one) => one.kind)).toEqual(['container', 'container']);
    expect(await other.run(['ssh', 'app2', 'systemd-detect-virt'])).toMatchObject({ stdout: 'systemd-nspawn\n' });
    expect(await other.host('app1').must('cat /run/mark')).toBe('running\n');
    await openLab(TWO, { name: NAME, kinds });
    expect(await lab.run(['ssh', 'app2', 'systemd-detect-virt'])).toMatchObject({ stdout: 'uml\n' });
  });

  test('down leaves nothing of them', async () => {
    expect((await traces(NAME)).length).toBeGreaterThan(5);
    await removed(NAME);
    expect(await traces(NAME)).toEqual([]);
  });
});
