import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroup, processesOf } from '../lab/cgroup.ts';
import { command, startCommand } from '../lab/command.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { removed, traces } from './traces.ts';

const NAME = 'labtest';
const TWO = join(PROJECT_PATH, 'test/e2e/lab/two.yaml');
const THREE = join(PROJECT_PATH, 'test/e2e/lab/three.yaml');

const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(`the lab${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  let scratch: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'farmctl-lab-test-'));
    await removed(NAME);
    lab = await openLab(TWO, { name: NAME });
  }, 300_000);

  afterAll(async () => {
    await removed(NAME);
    await rm(scratch, { recursive: true, force: true });
  }, 60_000);

  test('gives hosts the addresses and devices of the inventory', async () => {
    for (const [name, last] of [
      ['app1', 21],
      ['app2', 22],
    ] as const) {
      const shown = await lab.host(name).must('ip -4 -o addr show scope global; hostname; hostname -f');
      expect(shown).toMatch(new RegExp(`eth0 +inet 10\\.78\\.0\\.${last}/24`));
      expect(shown).toMatch(new RegExp(`dbnet +inet 10\\.78\\.1\\.${last}/24`));
      expect(shown.split('\n').slice(2, 4)).toEqual([name, `${name}.lab.example`]);
      expect(await lab.host(name).must('systemctl is-system-running --wait')).toBe('running\n');
    }
    const reached = await lab.host('app1').exec('ping -c1 -W2 10.78.0.22 && ping -c1 -W2 10.78.1.22');
    expect(reached).toMatchObject({ exitCode: 0 });
  });

  test('a blank host has no interpreter but sh, and none of the farm’s services', async () => {
    const { stdout } = await lab
      .host('app1')
      .exec('command -v python3 curl apache2 named; perl -MJSON::PP -e 1 || echo base only');
    expect(stdout).toBe('base only\n');
  });

  test('ssh gets in by name and by address, over each network, with the host key checked', async () => {
    for (const name of ['app1', 'app1.lab.example', '10.78.0.21', 'app1.db', '10.78.1.21']) {
      expect(await lab.run(['ssh', name, 'hostname'])).toMatchObject({ exitCode: 0, stdout: 'app1\n' });
    }
  });

  test('ssh refuses a host whose key is another’s', async () => {
    const known = await readFile(lab.knownHostsPath, 'utf8');
    const keys = known.split('\n').map((line) => line.replace(/^\S+ /, ''));
    expect(keys[0]).not.toBe(keys[1]);
    const wrong = join(scratch, 'known_hosts');
    await writeFile(wrong, `10.78.0.21 ${keys[1]}\n`);
    const refused = await lab.run(['ssh', '-o', `UserKnownHostsFile=${wrong}`, 'app1', 'hostname']);
    expect(refused).toMatchObject({ exitCode: 255, stdout: '' });
  });

  test('operator becomes root with a password alone', async () => {
    const password = await readFile(lab.operatorPasswordPath, 'utf8');
    expect(await lab.run(['ssh', 'operator@app1', 'sudo -n id -u'])).toMatchObject({ exitCode: 1 });
    const become = await lab.run(['ssh', 'operator@app1', 'sudo -S -p "" id -u'], { input: password });
    expect(become).toMatchObject({ exitCode: 0, stdout: '0\n' });
  });

  test('a blank host can install a package, and nothing else leaves the lab', async () => {
    await lab
      .host('app1')
      .must('apt-get -q -y --no-install-recommends install lsof && lsof -v', { timeoutMs: 120_000 });
    expect((await lab.run(['ip', 'route', 'show', 'default'])).stdout).toBe('');
    expect((await command(['ip', 'route', 'get', '10.78.1.21'])).stderr).toContain('No route to host');
  });

  test('run gives exit status, output and input, and ends what takes too long', async () => {
    const ended = await lab.run(['sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'in' });
    expect(ended).toMatchObject({ exitCode: 7, stdout: 'in', stderr: 'err\n', timedOut: false });
    const late = await lab.run(['sh', '-c', 'echo begun; sleep 60'], { timeoutMs: 300 });
    expect(late).toMatchObject({ exitCode: undefined, signal: 'SIGKILL', stdout: 'begun\n', timedOut: true });
    const killed = lab.start(['sleep', '60']);
    killed.process.kill('SIGKILL');
    expect(await killed.result).toMatchObject({ signal: 'SIGKILL' });
  });

  test('cut takes a host off one network or all, mend puts it back', async () => {
    const [app1, app2] = [lab.host('app1'), lab.host('app2')];
    await app1.cut('db');
    expect((await lab.status())[0]).toMatchObject({ state: 'running', cut: ['db'] });
    expect(await app2.exec('ping -c1 -W1 10.78.1.21')).toMatchObject({ exitCode: 1 });
    await app2.must('ping -c1 -W2 10.78.0.21');
    await app1.cut();
    expect(await app2.exec('ping -c1 -W1 10.78.0.21')).toMatchObject({ exitCode: 1 });
    expect(await app1.must('ip -4 -o addr show dev dbnet')).toContain('10.78.1.21/24');
    await app1.mend();
    await app2.must('ping -c1 -W2 10.78.0.21 && ping -c1 -W2 10.78.1.21');
  });

  test('a frozen host answers nobody, thawed it goes on', async () => {
    await lab.host('app1').freeze();
    expect((await lab.status())[0]).toMatchObject({ state: 'frozen' });
    expect(await lab.run(['ssh', 'app1', 'true'], { timeoutMs: 1_500 })).toMatchObject({ timedOut: true });
    await lab.host('app1').thaw();
    expect(await lab.run(['ssh', 'app1', 'true'])).toMatchObject({ exitCode: 0 });
  });

  test('power off ends every process, power on finds the disk as it was', async () => {
    const app1 = lab.host('app1');
    await app1.must('echo kept >/root/kept');
    await app1.powerOff();
    expect((await lab.status())[0]).toMatchObject({ state: 'off' });
    expect(await processesOf((await cgroup(`lab-${NAME}`, 'host-app1')).path)).toEqual([]);
    expect(await lab.host('app2').exec('ping -c1 -W1 10.78.0.21')).toMatchObject({ exitCode: 1 });
    await app1.powerOn();
    expect(await lab.run(['ssh', 'app1', 'cat kept'])).toMatchObject({ exitCode: 0, stdout: 'kept\n' });
  });

  test('a reboot and a shutdown from inside', async () => {
    const bootOf = async () => (await lab.run(['ssh', 'app1', 'cat /proc/sys/kernel/random/boot_id'])).stdout;
    const before = await bootOf();
    await lab.run(['ssh', 'app1', 'systemctl reboot'], { timeoutMs: 5_000 });
    await expect.poll(bootOf, { timeout: 15_000 }).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(await bootOf()).not.toBe(before);
    await lab.host('app1').exec('systemctl poweroff');
    await expect.poll(async () => (await lab.status())[0]?.state, { timeout: 15_000 }).toBe('off');
    await openLab(TWO, { name: NAME });
    expect((await lab.status())[0]).toMatchObject({ state: 'running' });
  }, 60_000);

  test('reset gives back the first root, with a new host key that ssh knows', async () => {
    await lab.host('app1').must('touch /etc/foreign');
    const before = await readFile(lab.knownHostsPath, 'utf8');
    await lab.reset('app1');
    expect(await lab.host('app1').exec('test -e /etc/foreign')).toMatchObject({ exitCode: 1 });
    expect(await readFile(lab.knownHostsPath, 'utf8')).not.toBe(before);
    expect(await lab.run(['ssh', 'app1', 'true'])).toMatchObject({ exitCode: 0 });
  });

  test('a host more in the inventory starts alone, a host less is removed', async () => {
    await lab.host('app1').must('echo running >/run/mark');
    const more = await openLab(THREE, { name: NAME });
    expect(more.hostNames).toEqual(['app1', 'app2', 'app3']);
    expect(await more.run(['ssh', 'app3.db', 'hostname'])).toMatchObject({ stdout: 'app3\n' });
    expect(await lab.host('app1').must('cat /run/mark')).toBe('running\n');
    const less = await openLab(TWO, { name: NAME });
    expect((await less.status()).map((one) => one.name)).toEqual(['app1', 'app2']);
    expect(await less.host('app2').exec('ping -c1 -W1 10.78.0.23')).toMatchObject({ exitCode: 1 });
    expect(await less.host('app1').must('cat /run/mark')).toBe('running\n');
  });

  test('two labs have the same addresses and do not see each other', async () => {
    const other = await openLab(TWO, { name: `${NAME}-2` });
    try {
      await other.host('app1').must('echo other >/root/which');
      await lab.host('app1').must('echo first >/root/which');
      expect((await other.run(['ssh', 'app1', 'cat which'])).stdout).toBe('other\n');
      expect((await lab.run(['ssh', 'app1', 'cat which'])).stdout).toBe('first\n');
    } finally {
      await other.down();
    }
    expect(await traces(`${NAME}-2`)).toEqual([]);
    expect(await lab.run(['ssh', 'app1', 'true'])).toMatchObject({ exitCode: 0 });
  }, 60_000);

  test('down leaves nothing, with commands under way and after a crash of up at any moment', async () => {
    const waiting = lab.start(['sleep', '600']);
    expect((await traces(NAME)).length).toBeGreaterThan(5);
    await lab.down();
    expect(await waiting.result).toMatchObject({ signal: 'SIGKILL' });
    expect(await traces(NAME)).toEqual([]);
    const main = join(PROJECT_PATH, 'test/lab/main.ts');
    for (const afterMs of [500, 650, 800, 1_000, 1_300]) {
      const up = startCommand([process.execPath, '-C', 'farmctl-source', main, 'up', TWO, '--name', NAME]);
      await sleep(afterMs);
      up.kill('SIGKILL');
      await up.result;
      await removed(NAME);
      expect(await traces(NAME), `killed after ${afterMs} ms`).toEqual([]);
    }
  }, 120_000);
});
