import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { canary, LISTING, openSite, type Site, words } from './site.ts';

const reason = await whyNoLab();

describe.skipIf(reason !== undefined)(
  `plan, apply, drift${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let site: Site;
    let host: HostHandle;

    beforeAll(async () => {
      site = await openSite('test-apply', 'one');
      host = site.lab.host('app1');
    });
    afterAll(() => site?.down());

    const invocation = (unit: string) => host.must(`systemctl show -P InvocationID ${unit}`);
    const loaded = async () => (await host.must('cat /run/pair.loaded')).trim();

    test('planning a blank host changes nothing there, and says what is not known yet', async () => {
      const before = await host.must(LISTING);
      const plan = await site.run('plan');
      expect(plan).toMatchObject({ exitCode: 0 });
      expect(plan.changes).toHaveLength(13);
      expect(await site.run('drift')).toMatchObject({ exitCode: 2 });
      expect(await host.must(LISTING)).toBe(before);
      const shown = await site.lab.farmctl(words('plan', 'one'));
      expect(shown.stdout).toContain('unknown until packages nginx-light: what follows is the most it can be');
    });

    test('one apply brings all of it, the second has nothing to do', async () => {
      expect(await site.converge()).toHaveLength(13);
      expect(await loaded()).toBe('1 1 first second');
      expect(await host.must('systemctl is-enabled pair nginx')).toBe('enabled\nenabled\n');
      expect(await site.converge()).toEqual([]);
      const before = await host.must(LISTING);
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await host.must(LISTING)).toBe(before);
    });

    test.each([
      ['a content', 'echo more >>/etc/site/motd', ['update file /etc/site/motd']],
      ['a mode', 'chmod 600 /etc/site/motd', ['update file /etc/site/motd']],
      ['an owner', 'chown pair /etc/site/motd', ['update file /etc/site/motd']],
      ['a file removed', 'rm /etc/site/motd', ['create file /etc/site/motd']],
      ['a file that became a link', 'ln -sf /etc/passwd /etc/site/motd', ['update file /etc/site/motd']],
      ['an extra file', 'touch "/etc/site/parts.d/ex tra"', ['update ownedDirectory /etc/site/parts.d']],
      ['an extra file of a set', 'touch /etc/pair/sites.d/third', ['update service pair.service']],
      ['a directory of another mode', 'chmod 777 /srv/site', ['update directory /srv/site']],
      ['a service stopped', 'systemctl stop pair', ['update service pair.service']],
      ['a service disabled', 'systemctl disable pair', ['update service pair.service']],
      ['a packaged service masked', 'systemctl mask --now nginx', ['update service nginx.service']],
      ['a service that failed', 'systemctl kill -s KILL pair; sleep 0.3', ['update service pair.service']],
      ['a sysctl set', 'sysctl -w net.ipv4.ip_default_ttl=64', ['update sysctl net.ipv4.ip_default_ttl']],
      ['a unit changed', 'echo "# x" >>/etc/systemd/system/pair.service', ['update service pair.service']],
      ['a note gone', 'rm /srv/site/note', ['create exec note']],
    ])('%s is found and healed', async (_, edit, expected) => {
      await host.must(edit);
      const drift = await site.run('drift');
      expect(drift.changes).toEqual(expected.map((one) => `app1: ${one}`));
      expect(drift.exitCode).toBe(2);
      await site.converge();
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await loaded()).toBe('1 1 first second');
      expect(await host.must('systemctl is-active pair nginx; systemctl is-enabled pair nginx')).toBe(
        'active\nactive\nenabled\nenabled\n',
      );
    });

    test('a package removed and a user gone come back', async () => {
      await host.must('apt-get -qq -y remove nginx-light nginx-common >/dev/null; userdel pair 2>/dev/null; ! id pair');
      const drift = await site.run('drift');
      expect(drift.changes).toContain('app1: create packages nginx-light');
      expect(drift.changes).toContain('app1: create user pair');
      await site.converge();
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await host.must('systemctl is-active nginx')).toBe('active\n');
    });

    test('a file edited and put back by hand still owes the reload; a restart by hand owes nothing', async () => {
      await host.must(
        'cp -p /etc/pair/a.conf /root/kept; echo "# x" >>/etc/pair/a.conf; systemctl reload pair; cp -p /root/kept /etc/pair/a.conf',
      );
      const owed = await site.run('drift');
      expect(owed).toMatchObject({ exitCode: 2, changes: ['app1: update service pair.service'] });
      expect(owed.stdout).toContain('"risk": "reload"');
      const before = await invocation('pair');
      await site.converge();
      expect(await invocation('pair')).toBe(before);
      await host.must('touch /etc/pair/a.conf; sleep 0.01; systemctl restart pair');
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
    });

    test('what a reload reaches is reloaded, the rest restarted', async () => {
      const first = await invocation('pair');
      const plan = await site.run('plan', { 'site.generation': '2' });
      expect(plan.stdout).toContain('"risk": "reload"');
      await site.converge({ 'site.generation': '2' });
      expect(await invocation('pair')).toBe(first);
      expect(await loaded()).toBe('2 2 first second');
      expect((await site.run('plan', { 'site.generation': '2', 'site.listen': 81 })).stdout).toContain(
        '"risk": "restart"',
      );
      await site.converge({ 'site.generation': '2', 'site.listen': 81 });
      expect(await invocation('pair')).not.toBe(first);
      await site.converge();
      expect(await loaded()).toBe('1 1 first second');
    });

    test('what a person restarted onto their edit is restarted back, as a reload would not reach it', async () => {
      await host.must('sed -i "s/^listen .*/listen 99/" /etc/pair/a.conf; sleep 0.01; systemctl restart pair');
      const theirs = await invocation('pair');
      expect((await site.run('drift')).stdout).toContain('"risk": "restart"');
      await site.converge();
      expect(await invocation('pair')).not.toBe(theirs);
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
    });

    test('a configuration that the checker refuses is refused when it is planned; the old one serves on', async () => {
      const before = await host.must(LISTING);
      const wrong = { 'web.extra': 'nonsense on;' };
      const plan = await site.run('plan', wrong);
      expect(plan.exitCode).toBe(3);
      expect(plan.stderr).toContain('unknown directive "nonsense"');
      expect(plan.stderr).toContain('The checker of nginx.service refuses the new configuration');
      const apply = await site.run('apply', { ...wrong, 'site.bad': true });
      expect(apply.exitCode).toBe(3);
      expect(apply.stderr).toContain('a.conf: bad is not good');
      expect(await host.must(LISTING)).toBe(before);
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
    });

    test.each([
      {
        how: 'may not',
        instead: `printf '#!/bin/sh\\necho "unshare failed: Operation not permitted" >&2\\nexit 1\\n' >/usr/bin/unshare
chmod 755 /usr/bin/unshare`,
        said: 'unshare failed: Operation not permitted',
      },
      { how: 'is missing', instead: ':', said: 'unshare: not found' },
    ])(
      'where unshare $how, the checker cannot be shown the new set: the plan says so and nothing is touched',
      async (one) => {
        const before = await host.must(LISTING);
        await host.must(`mv /usr/bin/unshare /usr/bin/unshare.kept
${one.instead}`);
        try {
          const plan = await site.run('plan', { 'site.generation': '2' });
          expect(plan.stderr).toContain('note[service/not-validated]');
          expect(plan.stderr).toContain(one.said);
          const apply = await site.run('apply', { 'site.generation': '2' });
          expect(apply.exitCode).toBe(3);
          expect(apply.stderr).toContain('error[service/not-validated]');
          expect(apply.stderr).toContain(one.said);
          expect(await loaded()).toBe('1 1 first second');
        } finally {
          await host.must('mv /usr/bin/unshare.kept /usr/bin/unshare');
        }
        const files = (text: string) => text.split('\n').filter((line) => /^(etc|srv)\/.* f \d/.test(line));
        expect(files(await host.must(LISTING))).toEqual(files(before));
      },
    );

    test('a configuration that is refused only at its turn leaves the old set', async () => {
      const files = 'cat /etc/pair/*.conf; ls -A /etc/pair /etc/pair/sites.d; systemctl show -P InvocationID pair';
      const before = await host.must(files);
      await host.must('rm /etc/site/motd');
      const wrong = { 'site.bad': true, 'site.generation': '4' };
      const plan = await site.run('plan', wrong);
      expect(plan.exitCode).toBe(0);
      expect(plan.stdout).toContain('it is validated again after file /etc/site/motd');
      const apply = await site.run('apply', wrong);
      expect(apply.exitCode).toBe(3);
      expect(apply.stderr).toContain('a.conf: bad is not good');
      expect(await host.must(files)).toBe(before);
      expect(await loaded()).toBe('1 1 first second');
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await host.must('find / -xdev -name ".farmctl-*"; ls /var/lib/farmctl/services/pair.service')).toBe(
        'before\nstamp\n',
      );
    });

    test('a service that does not come up on the new set gets the old one back', async () => {
      const files = 'cat /etc/pair/*.conf /etc/pair/sites.d/*; ls -A /etc/pair /etc/pair/sites.d';
      const before = await host.must(files);
      const wrong = { 'site.crash': true, 'site.generation': '5', 'site.sites': ['first', 'other'] };
      const reloaded = await site.run('apply', wrong);
      expect(reloaded.exitCode).toBe(3);
      expect(reloaded.stderr).toContain(
        'pair.service on app1 did not come up on the new configuration. The old set is back',
      );
      expect(await host.must(files)).toBe(before);
      expect(await loaded()).toBe('1 1 first second');
      expect(await host.must('systemctl is-active pair')).toBe('active\n');
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      const process = await invocation('pair');
      const restarted = await site.run('apply', { ...wrong, 'site.listen': 99 });
      expect(restarted.exitCode).toBe(3);
      expect(await host.must(files)).toBe(before);
      expect(await invocation('pair')).not.toBe(process);
      expect(await loaded()).toBe('1 1 first second');
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await host.must('find / -xdev -name ".farmctl-*"; ls /var/lib/farmctl/services/pair.service')).toBe(
        'before\n',
      );
    });

    test('the secret is written with its mode from the start and seen nowhere else', async () => {
      const secret = await canary();
      expect(await host.must('stat -c %a:%U /etc/site/token; cat /etc/site/token')).toBe(`600:root\ntoken ${secret}\n`);
      const found = await host.must(
        `grep -rlF ${secret} /etc /var /root /run /tmp /srv /home /usr/local 2>/dev/null; grep -clF ${secret} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; :`,
      );
      expect(found.split('\n').filter((line) => !line.startsWith('/proc/'))).toEqual(['/etc/site/token', '']);
      await host.must(`echo "token old-${secret}" >/etc/site/token; chmod 644 /etc/site/token`);
      const outputs = [
        await site.lab.farmctl([...words('plan', 'one'), '-D', '-vv']),
        await site.lab.farmctl([...words('drift', 'one'), '--json']),
        await site.lab.farmctl(words('render', 'one')),
        await site.lab.farmctl([...words('explain', 'one').slice(0, 3), 'site.token', '--host', 'app1']),
        await site.lab.farmctl([...words('apply', 'one', { 'site.bad': true }), '-D', '-vv']),
        await site.lab.farmctl([...words('apply', 'one'), '--json', '-vv']),
      ];
      for (const { argv, stdout, stderr } of outputs) expect(stdout + stderr, argv.join(' ')).not.toContain('canary');
      expect(outputs[0]?.stdout).toContain('update file /etc/site/token'.slice(7));
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
      expect(await host.must('stat -c %a:%U /etc/site/token; cat /etc/site/token')).toBe(`600:root\ntoken ${secret}\n`);
    });

    test('a file of a set that nobody wants any more goes within the transaction of its service', async () => {
      const first = await invocation('pair');
      const plan = await site.run('plan', { 'site.without': ['/etc/pair/extra.conf'] });
      expect(plan.changes).toEqual(['app1: update service pair.service']);
      await site.converge({ 'site.without': ['/etc/pair/extra.conf'] });
      expect(await host.must('ls -A /etc/pair')).toBe('a.conf\nb.conf\nsites.d\n');
      expect(await invocation('pair')).toBe(first);
      expect(await site.run('drift', { 'site.without': ['/etc/pair/extra.conf'] })).toMatchObject({ exitCode: 0 });
      await site.converge();
    });

    test('what the role drops is deleted; a file that was there before farmctl comes back', async () => {
      const without = { 'site.without': ['/etc/site/motd', '/srv/www/index.html'] };
      await site.converge(without);
      await host.must('mkdir -p /etc/site; echo mine >/etc/site/motd; chmod 604 /etc/site/motd');
      expect((await site.converge()).toString()).toContain('update file /etc/site/motd');
      expect(await host.must('cat /etc/site/motd')).toBe('welcome\n');
      expect(await site.run('drift', without)).toMatchObject({
        exitCode: 2,
        changes: ['app1: delete file /etc/site/motd'],
      });
      await site.converge(without);
      expect(await host.must('stat -c %a /etc/site/motd; cat /etc/site/motd; rm /etc/site/motd')).toBe('604\nmine\n');
      expect(await site.run('drift', without)).toMatchObject({ exitCode: 0, changes: [] });
      await site.converge();
    });

    test('removals obey -t, too', async () => {
      const without = { 'site.without': ['note'] };
      const plan = await site.run('plan', without, ['-t', 'web']);
      expect(plan).toMatchObject({ exitCode: 0, changes: [] });
    });

    test('what another farm put there is only reported', async () => {
      const before = await host.must(LISTING);
      const plan = await site.lab.farmctl([...words('plan', 'foreign'), '--json']);
      expect(plan.stdout).toContain('Another farm put it there: site.');
      const apply = await site.lab.farmctl(words('apply', 'foreign'));
      expect(apply.exitCode).toBe(0);
      expect(await host.must(LISTING)).toBe(before);
    });

    test('a retired host is given back: nothing of farmctl stays but what it reports', async () => {
      const plan = await site.lab.farmctl([...words('plan', 'retired'), '--json']);
      expect(plan.exitCode).toBe(0);
      const apply = await site.lab.farmctl(words('apply', 'retired'));
      expect(apply, apply.stderr).toMatchObject({ exitCode: 0 });
      expect(apply.stdout).toContain('nginx-light');
      expect(plan.stdout).toContain('"type": "farmctl"');
      const ours =
        '/etc/site/motd /etc/site/token /etc/pair/a.conf /etc/systemd/system/pair.service /usr/local/sbin/paird /etc/nginx/conf.d/tokens.conf';
      expect(await host.must(`ls -d ${ours} 2>/dev/null; :`)).toBe('');
      expect(await host.must('find / -xdev -name "*farmctl*" ! -path "/proc/*"')).toBe('');
      expect(await host.must('systemctl list-unit-files --no-legend "farmctl*" "pair*"; id pair 2>/dev/null; :')).toBe(
        '',
      );
      // What others had put there, and the package's own file, are back.
      expect(await host.must('find /etc/pair /etc/site -type f')).toBe(
        '/etc/pair/sites.d/third\n/etc/site/parts.d/ex tra\n',
      );
      expect(await host.must('grep -c default_server /etc/nginx/sites-available/default')).not.toBe('0\n');
      expect(await host.must('systemctl is-active nginx; :')).toBe('inactive\n');
      expect((await site.lab.farmctl([...words('drift', 'retired')])).exitCode).toBe(0);
    });
  },
);
