import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { whyNoLab } from '../lab/requirements.ts';
import { openWeather, type Weather } from './weather.ts';

const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(
  `one host that lets nobody in${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let weather: Weather;
    let scratch: string;
    let password: string;
    const apply = (generation: number, env: Readonly<Record<string, string>>) =>
      weather.run('apply', ['-e', `set.generation="${generation}"`], {
        env: { FARMCTL_TEST_PASSWORD: password, FARMCTL_TEST_OTHER_PASSWORD: password, ...env },
      });
    const loaded = (name: string) => weather.lab.host(name).must('cat /run/pair.loaded 2>/dev/null || echo nothing');

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'farmctl-login-'));
      vi.stubEnv('FARMCTL_TEST_PASSWORD', 'of the lab').stubEnv('FARMCTL_TEST_OTHER_PASSWORD', 'of the lab');
      weather = await openWeather('test-weather-login', 'operator');
      password = (await readFile(weather.lab.operatorPasswordPath, 'utf8')).trim();
    });
    afterAll(async () => {
      await weather?.down();
      vi.unstubAllEnvs();
      await rm(scratch, { recursive: true, force: true });
    });

    test('a wrong sudo password: named, nothing is changed there, and the other is finished', async () => {
      const given = await apply(1, { FARMCTL_TEST_OTHER_PASSWORD: 'guess' });
      expect(given.exitCode, given.stderr).toBe(3);
      expect(given.outcomes).toEqual({ app1: 'failed', app2: 'changed' });
      expect(given.stderr).toContain('error[become/failed]');
      expect(given.stderr).toContain('did not accept the password (from environment FARMCTL_TEST_OTHER_PASSWORD)');
      expect([await loaded('app1'), await loaded('app2')]).toEqual(['nothing\n', '1 1 \n']);
      expect(await apply(1, {})).toMatchObject({ exitCode: 0, outcomes: { app1: 'changed', app2: 'ok' } });
    });

    test('a host key that nobody knows: shown with its cure, and the other is finished', async () => {
      const config = join(scratch, 'config');
      const nobody = 'UserKnownHostsFile /dev/null\n  GlobalKnownHostsFile /dev/null';
      const address = weather.lab.host('app1').addressIn();
      await writeFile(config, `Host app1 ${address}\n  ${nobody}\nHost *\nInclude ${weather.lab.sshConfigPath}\n`);
      const given = await apply(2, { FARMCTL_SSH_CONFIG: config });
      expect(given.exitCode, given.stderr).toBe(4);
      expect(given.outcomes).toEqual({ app1: 'unreachable', app2: 'changed' });
      expect(given.stderr).toContain('error[ssh/host-key-unknown]');
      expect(given.stderr).toContain('--accept-new');
      expect([await loaded('app1'), await loaded('app2')]).toEqual(['1 1 \n', '2 2 \n']);
    });
  },
);
