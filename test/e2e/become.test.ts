import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostHandle, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import type { Answer, Attempt } from './become/attempts.ts';

const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(
  `becoming another user${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let lab: Lab;
    let host: HostHandle;
    let password: string;

    beforeAll(async () => {
      lab = await openLab(join(PROJECT_PATH, 'test/e2e/become/one.yaml'), { name: 'test-become', fresh: true });
      host = lab.host('app1');
      password = (await readFile(lab.operatorPasswordPath, 'utf8')).trim();
    }, 300_000);
    afterAll(() => lab?.down(), 60_000);

    async function attempt(given: Partial<Attempt>): Promise<Answer> {
      const whole: Attempt = { address: host.addressIn(), user: 'operator', become: {}, script: 'id -u -n', ...given };
      const result = await lab.run([process.execPath, '-C', 'farmctl-source', 'test/e2e/become/attempts.ts'], {
        input: JSON.stringify(whole),
        timeoutMs: 30_000,
      });
      if (result.exitCode !== 0) throw new Error(result.stderr);
      return JSON.parse(result.stdout);
    }

    /** Adds a file to sudoers for one test. */
    async function withSudoers(lines: string, work: () => Promise<void>): Promise<void> {
      await host.must(`umask 337; printf '%s\\n' "${lines}" >/etc/sudoers.d/zz-test; visudo -c -q`);
      try {
        await work();
      } finally {
        await host.must('rm /etc/sudoers.d/zz-test');
      }
    }

    test('root needs no sudo', async () => {
      expect(await attempt({ user: 'root' })).toMatchObject({ output: 'root\n', code: 0 });
    });

    test('a password brings root, and the input behind it stays whole', async () => {
      expect(await attempt({ become: { password } })).toMatchObject({ output: 'root\n', code: 0 });
      const counted = await attempt({ become: { password }, script: 'id -u; wc -c', inputBytes: 3_000_000 });
      expect(counted).toMatchObject({ output: '0\n3000000\n' });
    });

    test('the lecture, and a login shell that talks, are passed over', async () => {
      await host.must('echo "echo Welcome to \\$HOSTNAME; echo and mind the step >&2" >>/home/operator/.bashrc');
      await withSudoers('Defaults lecture=always', async () => {
        expect(await attempt({ become: { password } })).toMatchObject({ output: 'root\n' });
      });
      await host.must(': >/home/operator/.bashrc');
    });

    test('become can be switched off, and can be another user', async () => {
      expect(await attempt({ become: { enabled: false } })).toMatchObject({ output: 'operator\n' });
      expect(await attempt({ become: { password, user: 'www-data' } })).toMatchObject({ output: 'www-data\n' });
      expect(await attempt({ become: { password, user: 'nosuch' } })).toMatchObject({
        failure: 'become-failed',
        message: expect.stringContaining('There is no user nosuch'),
      });
    });

    test('a sudo without a password is never sent one', async () => {
      await withSudoers('operator ALL=(ALL) NOPASSWD: ALL', async () => {
        expect(await attempt({})).toMatchObject({ output: 'root\n' });
        expect(await attempt({ become: { password }, script: 'cat', inputBytes: 3 })).toMatchObject({ output: 'xxx' });
      });
    });

    test('a command line that the login shell echoes is no question', async () => {
      await host.must('echo "set -x" >/home/operator/.bashrc');
      expect(await attempt({ become: { password } })).toMatchObject({ output: 'root\n' });
      expect(await attempt({})).toMatchObject({ message: expect.stringContaining('none was given') });
      await withSudoers('operator ALL=(ALL) NOPASSWD: ALL', async () => {
        expect(await attempt({})).toMatchObject({ output: 'root\n' });
        expect(await attempt({ become: { password }, script: 'cat', inputBytes: 3 })).toMatchObject({ output: 'xxx' });
      });
      await host.must(': >/home/operator/.bashrc');
    });

    test('a wrong password is named, whether sudo asks again or not', async () => {
      const wrong = {
        failure: 'become-failed',
        message: expect.stringContaining('did not accept the password (from the test)'),
      };
      expect(await attempt({ become: { password: 'guess' } })).toMatchObject(wrong);
      await withSudoers('Defaults passwd_tries=1', async () => {
        expect(await attempt({ become: { password: 'guess' } })).toMatchObject(wrong);
      });
    });

    test('a missing password is named at once', async () => {
      const answer = await attempt({ startDeadlineMs: 5000 });
      expect(answer).toEqual({
        failure: 'become-failed',
        message: expect.stringMatching(
          /^sudo on app1 \(.*\) asks for a password to become root, and none was given\.$/,
        ),
        hint: 'Give it with -K, or in the inventory: become: { password: !file PATH }.',
      });
    });

    test('a user who may not is named, for nothing or for this', async () => {
      await host.must(
        'useradd -m -s /bin/sh visitor; echo visitor:pass | chpasswd; cp -r /home/operator/.ssh ~visitor/',
      );
      await host.must('chown -R visitor: ~visitor/.ssh');
      const refused = { failure: 'become-failed', message: expect.stringContaining('does not let the login user run') };
      expect(await attempt({ user: 'visitor', become: { password: 'pass' } })).toMatchObject(refused);
      await withSudoers('visitor ALL=(ALL) /usr/bin/id', async () => {
        expect(await attempt({ user: 'visitor', become: { password: 'pass' } })).toMatchObject(refused);
      });
    });

    test('a sudo that wants a terminal, hangs or is not there is named', async () => {
      await withSudoers('Defaults requiretty', async () => {
        expect(await attempt({ become: { password } })).toMatchObject({
          message: expect.stringContaining('requiretty'),
        });
      });
      await host.must('mv /usr/bin/sudo /usr/bin/sudo.real');
      expect(await attempt({ become: { password } })).toMatchObject({
        failure: 'become-failed',
        message: expect.stringContaining('There is no sudo'),
      });
      await host.must("printf '#!/bin/sh\\nsleep 30\\n' >/usr/bin/sudo; chmod 755 /usr/bin/sudo");
      expect(await attempt({ become: { password }, startDeadlineMs: 800 })).toMatchObject({
        failure: 'become-failed',
        message: expect.stringContaining('within 0.8 s'),
      });
      await host.must('mv /usr/bin/sudo.real /usr/bin/sudo');
    });

    test('an account without a shell is named', async () => {
      await host.must('usermod -s /usr/sbin/nologin visitor');
      const answer = await attempt({ user: 'visitor', become: { enabled: false } });
      expect(answer).toMatchObject({ failure: 'no-shell', message: expect.stringContaining('not available') });
    });

    test('the password is in no log', async () => {
      await attempt({ become: { password: 'a-very-special-password' } });
      const log = await host.must('journalctl --no-pager; cat /var/log/auth.log 2>/dev/null || true');
      expect(log).toContain('sudo');
      expect(log).not.toContain('a-very-special-password');
    });
  },
);
