import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle, RunningCommand } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { NAMES } from './projects/site/roles/hostile/role.ts';
import { openSite, type Site, words } from './site.ts';

const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(`several hosts${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let site: Site;
  const host = (name: string): HostHandle => site.lab.host(name);
  const app = ['app1', 'app2', 'app3'] as const;

  beforeAll(async () => {
    site = await openSite('test-farm', 'three');
  });
  afterAll(() => site?.down());

  /** Starts an apply whose step on these hosts takes seconds, and waits until it is under way. */
  async function startSlow(
    names: readonly string[],
    variables: Readonly<Record<string, unknown>>,
    start = site.lab.startFarmctl,
  ): Promise<RunningCommand> {
    for (const name of names) await host(name).must('rm -f /srv/site/paused');
    const running = start([...words('apply', 'three', { 'site.pause': 4, ...variables }), '-l', names.join(',')]);
    for (const name of names)
      await host(name).must('until pgrep -f "^sleep 4.5$" >/dev/null; do sleep 0.05; done', { timeoutMs: 60_000 });
    return running;
  }

  test('an operator with a password brings everything up as root; a wrong one is told before any change', async () => {
    const wrong = await site.lab.farmctl(words('apply', 'wrong'));
    expect(wrong.exitCode).toBe(3);
    expect(wrong.stderr).toContain('become/failed');
    for (const name of app) expect(await host(name).must('ls /var/lib/farmctl /etc/pair 2>/dev/null; :')).toBe('');
    const result = await site.lab.farmctl(words('apply', 'operator'));
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    expect((await site.lab.farmctl(words('drift', 'operator'))).exitCode).toBe(0);
    await site.converge();
    expect(await host('front1').must('cat /etc/follower-any /etc/follower-all')).toBe('one\none\n');
  }, 200_000);

  test('a part begins after the hosts of the part that it follows', async () => {
    const result = await site.lab.farmctl([
      ...words('apply', 'three', { 'site.generation': '2', 'follower.word': 'two' }),
      '-v',
    ]);
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    const at = (line: string) => result.stderr.indexOf(line);
    for (const name of app)
      expect(at(`${name}: site: update service pair.service: done`)).toBeLessThan(at('front1: follower/any begins'));
    expect(at('front1: follower/any begins')).toBeGreaterThan(0);
  });

  test('a restart is made host by host and stops at the first failure; only who needs all of them waits', async () => {
    await host('app2').must('touch /root/crash');
    const state = { 'site.generation': '2', 'site.listen': 81, 'follower.word': 'three' };
    const result = await site.lab.farmctl([...words('apply', 'three', state), '-v']);
    expect(result.exitCode).toBe(3);
    const { stderr } = result;
    expect(stderr).toContain('app1: site: update service pair.service: done');
    expect(stderr.indexOf('app1: site: update service pair.service: done')).toBeLessThan(
      stderr.indexOf('app2: site begins'),
    );
    expect(stderr).toContain('app2: site: update service pair.service: failed');
    expect(stderr).toContain('app3: site: not attempted');
    expect(stderr).toContain('front1: follower/any: update file /etc/follower-any: done');
    expect(stderr).toContain('front1: follower/all: not attempted');
    expect(await host('front1').must('cat /etc/follower-any /etc/follower-all')).toBe('three\ntwo\n');
    expect(await host('app3').must('grep listen /etc/pair/a.conf')).toBe('listen 80\n');
    await host('app2').must('rm /root/crash');
    await site.converge(state);
    expect(await site.run('drift', state)).toMatchObject({ exitCode: 0, changes: [] });
    for (const name of app) expect(await host(name).must('cat /run/pair.loaded')).toBe('2 2 first second\n');
    await site.converge();
  }, 120_000);

  test('a second run is told who holds the host, or waits; drift in the middle of an apply waits', async () => {
    const running = await startSlow(['app1'], { 'site.generation': '3' });
    const second = await site.run('apply', { 'site.generation': '4' }, ['-l', 'app1', '--lock-timeout', '1']);
    expect(second.exitCode).toBe(6);
    expect(second.stderr).toMatch(/app1 is held by another run: \S+@\S+, process \d+, since 20/);
    const drift = await site.run('drift', { 'site.pause': 4, 'site.generation': '3' }, ['-l', 'app1']);
    expect(drift).toMatchObject({ exitCode: 0, changes: [] });
    expect((await running.result).exitCode).toBe(0);
    await site.converge();
  });

  test('Ctrl-C lets the step end and tells exactly what was made; twice stops at once; the next run goes on', async () => {
    // By the program that users start, which starts another Node here.
    const byBin = (args: readonly string[]) => site.lab.start([process.execPath, 'bin/farmctl.js', ...args]);
    const once = await startSlow(['app1', 'app2'], { 'site.generation': '5' }, byBin);
    once.process.kill('SIGINT');
    const ended = await once.result;
    expect(ended.exitCode).toBe(130);
    expect(ended.stdout).toMatch(/app1 +ok=\d+ +changed=1 +not-made=1 +interrupted/);
    expect(await host('app1').must('ls /srv/site/paused; cat /run/pair.loaded')).toBe(
      '/srv/site/paused\n1 1 first second\n',
    );
    const twice = await startSlow(['app1'], { 'site.generation': '5' });
    const since = performance.now();
    twice.process.kill('SIGINT');
    await host('app1').must('sleep 0.3');
    twice.process.kill('SIGINT');
    expect((await twice.result).exitCode).toBe(130);
    expect(performance.now() - since).toBeLessThan(3_000);
    await site.converge({ 'site.generation': '5' });
    expect(await host('app1').must('cat /run/pair.loaded')).toBe('5 5 first second\n');
    expect(await site.run('drift', { 'site.generation': '5' })).toMatchObject({ exitCode: 0, changes: [] });
    await site.converge();
  }, 120_000);

  test('a host cut off and a frozen one are named in time, the others are finished', async () => {
    await host('app1').cut();
    await host('app3').freeze();
    try {
      const result = await site.run('apply', { 'site.generation': '6', 'follower.word': 'six' });
      expect(result.exitCode).toBe(4);
      expect(result.durationMs).toBeLessThan(30_000);
      expect(result.stderr).toContain('app1: unreachable');
      expect(result.stderr).toContain('app3: unreachable');
      expect(await host('app2').must('cat /run/pair.loaded')).toBe('6 6 first second\n');
      // Who comes after them does not wait for those that are left out.
      expect(await host('front1').must('cat /etc/follower-any /etc/follower-all')).toBe('six\nsix\n');
    } finally {
      await host('app1').mend();
      await host('app3').thaw();
    }
    await site.converge();
  }, 120_000);

  test('a host that is cut off in the middle of an apply is given up; it ends its step, the next run goes on', async () => {
    const running = await startSlow(['app1', 'app2'], { 'site.generation': '7' });
    await host('app1').cut();
    try {
      const result = await running.result;
      expect(result.exitCode).toBe(3);
      expect(result.stderr).toContain('app1');
      expect(await host('app2').must('cat /run/pair.loaded')).toBe('7 7 first second\n');
    } finally {
      await host('app1').mend();
    }
    await site.converge({ 'site.generation': '7' });
    expect(await host('app1').must('cat /run/pair.loaded')).toBe('7 7 first second\n');
    await site.converge();
  }, 200_000);

  test('a host that was changed after it was planned is left alone, and the others go on', async () => {
    const between = join(PROJECT_PATH, 'test/e2e/projects/between.ts');
    const run = async (script: string, ...given: readonly string[]) => {
      const result = await site.lab.run([process.execPath, '-C', 'farmctl-source', between, script, ...given], {
        timeoutMs: 60_000,
      });
      if (result.exitCode !== 0) throw new Error(result.stderr);
      const results: { host: string; outcome: string; diagnostics: { code: string }[] }[] = JSON.parse(result.stdout);
      return results.map(({ host: name, outcome, diagnostics }) => [
        name,
        outcome,
        ...diagnostics.map(({ code }) => code),
      ]);
    };
    const given = words('plan', 'three', { 'site.generation': '8' }).slice(1);
    expect(await run('echo "# by hand" >>/etc/pair/b.conf', ...given)).toEqual([
      ['app1', 'failed', 'resource/changed-since-plan'],
      ['app2', 'changed'],
    ]);
    expect(await host('app1').must('cat /etc/pair/b.conf')).toBe('generation 1\n# by hand\n');
    // What is as desired already when its turn comes is no contradiction.
    await host('app1').must('rm /etc/site/motd');
    await site.converge({ 'site.generation': '8', 'site.without': ['/etc/site/motd'] });
    expect(
      await run("printf 'welcome\\n' >/etc/site/motd; chmod 640 /etc/site/motd; chgrp pair /etc/site/motd", ...given),
    ).toEqual([
      ['app1', 'ok'],
      ['app2', 'changed'],
    ]);
    await site.converge();
    expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
  }, 120_000);

  test('a retired host is emptied once those who come after it have changed, and not if they could not', async () => {
    await site.converge();
    const leaving = words('apply', 'leaving', { 'follower.word': 'alone' });
    await host('front1').must('rm /etc/follower-all && mkdir /etc/follower-all');
    const stopped = await site.lab.farmctl([...leaving, '-v']);
    expect(stopped.exitCode).toBe(3);
    expect(stopped.stderr).toContain('app3: site (removal): not attempted');
    expect(await host('app3').must('systemctl is-active pair; cat /run/pair.loaded')).toBe(
      'active\n1 1 first second\n',
    );
    await host('front1').must('rmdir /etc/follower-all');
    const result = await site.lab.farmctl([...leaving, '-v']);
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    const at = (line: string) => result.stderr.indexOf(line);
    expect(at('front1: follower/all: create file /etc/follower-all: done')).toBeGreaterThan(0);
    expect(at('front1: follower/all: create file /etc/follower-all: done')).toBeLessThan(
      at('app3: site (removal) begins'),
    );
    expect(await host('app3').must('ls -d /etc/pair/a.conf /var/lib/farmctl 2>/dev/null; :')).toBe('');
  }, 120_000);

  test('hostile names and contents come through whole, and are found when they change', async () => {
    const apply = await site.lab.farmctl([...words('apply', 'hostile', { 'hostile.word': 'first' })]);
    expect(apply, apply.stderr).toMatchObject({ exitCode: 0 });
    const again = await site.lab.farmctl(words('apply', 'hostile'));
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect((await site.lab.farmctl(words('drift', 'hostile'))).exitCode).toBe(0);
    for (const name of NAMES) {
      const path = `/srv/hostile/${name}`;
      const read = `cat -- '${path.replaceAll("'", "'\\''")}'`;
      expect(await host('app1').must(read)).toBe(`one ${name}\n@0 exit 0\n$(reboot)`);
    }
    expect(
      await host('app1').must(
        'find / -xdev -name ran; cd "/srv/hostile/own d" && ls -A | wc -l; stat -c %s /srv/hostile/large; od -An -tx1 /srv/hostile/invalid',
      ),
    ).toBe(`${NAMES.length + 1}\n10485760\n ff fe 00 0a c3 28 0d\n`);
    await host('app1').must(`cd '/srv/hostile/own d' && touch -- '-x $(touch ran)
y' && printf '\\377' >'two words' && printf x | dd of=/srv/hostile/large bs=1 seek=5000000 conv=notrunc 2>/dev/null`);
    const drift = await site.lab.farmctl([...words('drift', 'hostile'), '--json']);
    expect(drift.exitCode).toBe(2);
    expect(drift.stdout.match(/"action": "update"/g)).toHaveLength(2);
    expect(await site.lab.farmctl(words('apply', 'hostile'))).toMatchObject({ exitCode: 0 });
    expect((await site.lab.farmctl(words('drift', 'hostile'))).exitCode).toBe(0);
    expect(await host('app1').must('find / -xdev -name ran')).toBe('');
  }, 120_000);
});
