import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostHandle, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { readOutcome } from './weather.ts';

const INVENTORY = join(PROJECT_PATH, 'test/e2e/projects/shells/inventories/shells.yaml');
const reason = await whyNoLab();

/** Login shells by the name of a user who has it. */
const SHELLS = {
  dashy: '/bin/dash',
  fishy: '/usr/bin/fish',
  cshy: '/usr/bin/tcsh',
  busy: '/usr/local/bin/busybox-sh',
  noisy: '/bin/bash',
} as const;

describe.skipIf(reason !== undefined)(`login shells${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  let host: HostHandle;

  const run = (verb: string, user: string, word: string) =>
    lab.farmctl([
      verb,
      '-i',
      INVENTORY,
      '-u',
      user,
      ...['-e', `mark.word=${word}`, '--json', ...(verb === 'apply' ? ['--yes'] : [])],
    ]);

  /** Applies as that user, looks at what came of it, and plans again. */
  async function converges(user: string): Promise<void> {
    await host.must('rm -f /etc/mark/log');
    const applied = readOutcome(await run('apply', user, user));
    expect(applied.exitCode, applied.stderr).toBe(0);
    expect(applied.changes).not.toEqual([]);
    expect(await host.must('cat /etc/mark/word; tail -n 1 /etc/mark/log')).toBe(`${user}\n${user}\n`);
    expect(await host.must('sort -u /etc/mark/long | wc -l; wc -l </etc/mark/long')).toBe('1\n4000\n');
    expect(readOutcome(await run('drift', user, user))).toMatchObject({ exitCode: 0, changes: [] });
  }

  beforeAll(async () => {
    lab = await openLab(INVENTORY, { name: 'test-shells', fresh: true });
    host = lab.host('app1');
    await host.must(
      'apt-get -q -o Dpkg::Use-Pty=0 update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install fish tcsh busybox',
      { timeoutMs: 240_000 },
    );
    await host.must(
      'printf \'#!/bin/busybox sh\\nexec busybox sh "$@"\\n\' >/usr/local/bin/busybox-sh; chmod 755 /usr/local/bin/busybox-sh',
    );
    for (const [user, shell] of Object.entries(SHELLS)) {
      await host.must(
        `useradd -m -s ${shell} ${user}; echo ${user}:operator | chpasswd; cp -r /home/operator/.ssh ~${user}/; chown -R ${user}: ~${user}/.ssh; echo '${user} ALL=(ALL) ALL' >/etc/sudoers.d/${user}`,
      );
    }
  }, 300_000);
  afterAll(() => lab?.down());

  test.each(['dashy', 'fishy', 'cshy', 'busy'] as const)('%s', converges, 60_000);

  test('a login shell that talks, in every file that it reads', async () => {
    await host.must(
      `for f in .bashrc .profile .bash_profile; do printf 'echo Welcome; echo farmctl-read; echo "no newline at the end" >&2; printf tail\\n' >~noisy/$f; done; chown noisy: ~noisy/.*rc`,
    );
    await host.must(
      "printf 'echo hi from rc\\n' >~cshy/.cshrc; mkdir -p ~fishy/.config/fish; echo 'echo hi from fish' >~fishy/.config/fish/config.fish",
    );
    await converges('noisy');
    for (const user of ['cshy', 'fishy']) expect((await run('drift', user, 'noisy')).exitCode).toBe(0);
  });

  test('a login shell that echoes each command line, where sudo asks and where it does not', async () => {
    await host.must(
      "mkdir -p ~fishy/.config/fish; echo 'set -x' >~noisy/.bashrc; echo 'set echo' >~cshy/.cshrc; echo 'set -g fish_trace 1' >~fishy/.config/fish/config.fish",
    );
    for (const user of ['noisy', 'cshy', 'fishy']) {
      await converges(user);
      await host.must(`echo '${user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-${user}`);
      expect(readOutcome(await run('drift', user, user))).toMatchObject({ exitCode: 0, changes: [] });
      await host.must(`rm /etc/sudoers.d/zz-${user}`);
    }
  });

  test('busybox as sh', async () => {
    await host.must('ln -sfn /bin/busybox /usr/bin/sh');
    try {
      await converges('busy');
      expect((await run('apply', 'root', 'busybox')).exitCode).toBe(0);
      expect((await run('drift', 'root', 'busybox')).exitCode).toBe(0);
    } finally {
      await host.must('ln -sfn dash /usr/bin/sh');
    }
  });

  test('busybox before the coreutils: refused at once, with its cure', async () => {
    const install =
      'mkdir /usr/local/applets && busybox --install -s /usr/local/applets && mv /usr/local/applets/* /usr/local/bin/';
    await host.must(`${install}; rmdir /usr/local/applets`);
    try {
      for (const [verb, user] of [
        ['apply', 'root'],
        ['drift', 'dashy'],
      ] as const) {
        const refused = await run(verb, user, 'never');
        expect(refused.exitCode, refused.stderr).toBe(3);
        expect(refused.stderr).toContain('/usr/local/bin/head on the host reads more than it is told');
        expect(refused.stderr).toContain('needs the coreutils');
        expect(refused.durationMs).toBeLessThan(20_000);
      }
    } finally {
      await host.must('/usr/bin/find /usr/local/bin -lname "*busybox" -delete');
    }
    expect((await run('apply', 'root', 'rooted')).exitCode).toBe(0);
  });

  test('no sudo: named with its cure, and not needed by root', async () => {
    await host.must('mv /usr/bin/sudo /usr/bin/sudo.away');
    try {
      const refused = await run('plan', 'dashy', 'none');
      expect(refused.exitCode).toBe(3);
      expect(refused.stderr).toContain('There is no sudo on app1');
      expect(refused.stderr).toContain('log in as root');
      expect((await run('apply', 'root', 'rooted')).exitCode).toBe(0);
    } finally {
      await host.must('mv /usr/bin/sudo.away /usr/bin/sudo');
    }
  });

  test('a wrong sudo password is named before anything changes', async () => {
    await host.must('echo dashy:another | chpasswd');
    const refused = await run('apply', 'dashy', 'never');
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('did not accept the password');
    expect(await host.must('cat /etc/mark/word')).not.toContain('never');
  });
});
