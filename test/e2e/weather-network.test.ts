import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { openWeather, readOutcome, type Weather } from './weather.ts';

const reason = await whyNoLab();
const APP = ['app1', 'app2', 'app3'] as const;
const SLOW_SECONDS = 8;

/** A mount whose server never answers: who looks below it waits until it is killed. */
const STALE = `mkdir -p /srv/away /run/server && mkfifo /run/server/requests
{ exec sleep 600 </run/server/requests; } >/dev/null 2>&1 & echo $! >/run/server/pid
exec 3>/run/server/requests
mount -i -t autofs -o fd=3,pgrp=$!,minproto=5,maxproto=5,direct server /srv/away`;
const NOT_STALE = 'umount /srv/away; kill $(cat /run/server/pid); rm -r /run/server';

/** What stderr says of one host: its errors. */
function saidOf(stderr: string, host: string): string {
  return stderr
    .split(/\n(?=error\[)/)
    .filter((block) => block.startsWith('error[') && block.includes(`\n  host ${host}`))
    .join('\n');
}

describe.skipIf(reason !== undefined)(
  `hosts that fall silent${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let weather: Weather;
    const host = (name: string): HostHandle => weather.lab.host(name);
    const state = (generation: number, ...more: readonly string[]) => [
      ...[
        '-e',
        `set.generation="${generation}"`,
        '-e',
        `later.word="${generation}"`,
        '-e',
        'stale.path=/srv/away/file',
      ],
      ...more,
    ];

    beforeAll(async () => {
      weather = await openWeather('test-weather-network', 'weather');
      await weather.converge(state(1));
    });
    afterAll(() => weather?.down());

    test('in the middle of a step: frozen, its sshd stopped, or cut off: given up and named; the step is ended there, the next run goes on', async () => {
      const wanted = state(2, '-e', `set.seconds=${SLOW_SECONDS}`);
      const running = weather.lab.startFarmctl(weather.words('apply', wanted));
      await Promise.all(APP.map((name) => host(name).must('until [ -e /run/slow-2 ]; do sleep 0.02; done')));
      await Promise.all([
        host('app1').freeze(),
        host('app2').must("pkill -STOP -f '^sshd: root@notty'"),
        host('app3').cut(),
      ]);
      const given = readOutcome(await running.result);
      expect(given.exitCode, given.stderr).toBe(3);
      expect(given.durationMs).toBeLessThan(80_000);
      expect(given.outcomes).toEqual({ app1: 'failed', app2: 'failed', app3: 'failed', front1: 'changed' });
      for (const name of APP) {
        const said = saidOf(given.stderr, name);
        expect(said).toContain('host/disconnected');
        expect(said).toContain('while making the change "create exec slow"');
        expect(said).toContain('it did not answer for 40 s');
        expect(said).toContain('then run farmctl again');
      }
      // The shell on app2 waits for a word, and nobody else may go between.
      const locked = await weather.run('apply', [...wanted, '-l', 'app2', '--lock-timeout', '1']);
      expect(locked.exitCode).toBe(6);
      expect(locked.stderr).toMatch(/app2 is held by another run: \S+@\S+, process \d+/);
      await Promise.all([
        host('app1').thaw(),
        host('app2').must("pkill -CONT -f '^sshd: root@notty'"),
        host('app3').mend(),
      ]);
      for (const name of APP) {
        await host(name).must('until flock -n /var/lib/farmctl true; do sleep 0.2; done', { timeoutMs: 60_000 });
        expect(await host(name).must('cat /srv/slow-2 /run/pair.loaded /etc/weather/before /etc/weather/after')).toBe(
          'done\n1 1 \n2\n1\n',
        );
      }
      const next = await weather.converge(wanted);
      expect(next.changes).toEqual(
        APP.flatMap((name) => [`${name}: service pair.service`, `${name}: file /etc/weather/after`]),
      );
      expect(await weather.run('drift', wanted)).toMatchObject({ exitCode: 0, changes: [] });
    });

    const fingerprint = (name: string) =>
      host(name).must("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2 | tr -d '\\n'");

    test('a mount that hangs, an sshd that accepts and says nothing, a changed key: each is named, the others are finished', async () => {
      await host('front1').must(STALE);
      await host('app3').must('systemctl kill --kill-who=main -s STOP ssh');
      const old = await fingerprint('app2');
      await host('app2').must(
        'cp -p /etc/ssh/ssh_host_ed25519_key* /root/; rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh',
      );
      const shown = await fingerprint('app2');
      try {
        const given = await weather.run('apply', state(3));
        expect(given.exitCode, given.stderr).toBe(3);
        expect(given.durationMs).toBeLessThan(90_000);
        expect(given.outcomes).toEqual({ app1: 'changed', app2: 'unreachable', app3: 'unreachable', front1: 'failed' });
        const words = {
          app2: ['ssh/host-key-changed', `it shows ssh-ed25519 ${shown}`, `says ssh-ed25519 ${old}`, 'ssh-keygen -R '],
          app3: ['ssh/unreachable', 'accepted the connection, but', 'within 10 s', 'whether the host hangs'],
          front1: ['resource/unknown', 'file /srv/away/file of stale', '/srv/away on that host does not answer'],
        };
        for (const [name, said] of Object.entries(words))
          for (const word of said) expect(saidOf(given.stderr, name), given.stderr).toContain(word);
        expect(await host('app1').must('cat /run/pair.loaded')).toBe('3 3 \n');
        for (const name of ['app2', 'app3']) expect(await host(name).must('cat /run/pair.loaded')).toBe('2 2 \n');
      } finally {
        await host('front1').must(NOT_STALE);
        await host('app3').must('systemctl kill --kill-who=main -s CONT ssh');
        await host('app2').must('mv /root/ssh_host_ed25519_key* /etc/ssh/; systemctl restart ssh');
      }
      await weather.converge(state(3));
      expect(await weather.run('drift', state(3))).toMatchObject({ exitCode: 0, changes: [] });
    });
  },
);
