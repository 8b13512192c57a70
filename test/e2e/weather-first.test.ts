import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { openSite, type Site } from './site.ts';

const reason = await whyNoLab();
const LEFT = `ls -d /etc/pair /etc/systemd/system/pair.service /run/pair.loaded 2>/dev/null; ls /var/lib/farmctl/services/pair.service; find /etc /usr/local /var/lib/farmctl -name '*farmctl-new*' -o -name '*farmctl-old*'; systemctl is-active pair.service; systemctl is-enabled pair.service 2>/dev/null; :`;

describe.skipIf(reason !== undefined)(
  `a first install that fails${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let site: Site;
    let host: HostHandle;

    beforeAll(async () => {
      site = await openSite('test-first', 'alone');
      host = site.lab.host('app1');
    });
    afterAll(() => site?.down());

    test('a refused configuration: nothing of the set is there, and what came before it stays', async () => {
      const refused = await site.run('apply', { 'site.bad': true });
      expect(refused.exitCode).toBe(3);
      expect(refused.stderr).toContain('error[service/refused-configuration]');
      expect(refused.stderr).toContain('a.conf: bad is not good');
      expect(await host.must(LEFT)).toBe('inactive\n');
      expect(await host.must('cat /etc/site/motd')).toBe('welcome\n');
      // Its checker is there now, so the next plan knows it beforehand.
      const planned = await site.run('plan', { 'site.bad': true });
      expect(planned.exitCode).toBe(3);
      expect(planned.stderr).toContain('The checker of pair.service refuses the new configuration');
    });

    test('a service that does not come up: it is as if it had never been, and the next run goes on', async () => {
      const failed = await site.run('apply', { 'site.crash': true });
      expect(failed.exitCode).toBe(3);
      expect(failed.stderr).toContain('error[service/rolled-back]');
      expect(failed.stderr).toContain('Its configuration is taken back, and it does not run, as before.');
      expect(await host.must(LEFT)).toBe('before\ninactive\n');
      expect(await site.converge()).toContain('app1: create service pair.service');
      expect(await host.must('cat /run/pair.loaded; systemctl is-enabled pair.service')).toBe(
        '1 1 first second\nenabled\n',
      );
      expect(await site.run('drift')).toMatchObject({ exitCode: 0, changes: [] });
    });

    test('the way back brings the mode and the owners of a directory of the set too', async () => {
      const look = 'stat -c "%a %U:%G" /etc/pair/sites.d; ls /etc/pair/sites.d';
      await host.must('chmod 700 /etc/pair/sites.d; chown pair:pair /etc/pair/sites.d');
      const before = await host.must(look);
      const failed = await site.run('apply', { 'site.crash': true, 'site.sites': ['third'], 'site.listen': 81 });
      expect(failed.stderr).toContain('error[service/rolled-back]');
      expect(await host.must(look)).toBe(before);
      await site.converge({ 'site.sites': ['third'] });
      expect(await host.must(look)).toBe('755 root:root\nthird\n');
      expect(await site.run('drift', { 'site.sites': ['third'] })).toMatchObject({ exitCode: 0, changes: [] });
    });
  },
);
