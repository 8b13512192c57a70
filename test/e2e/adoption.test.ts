import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { down } from '../lab/down.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH, statePaths } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';

const NAME = 'test-adoption';
const PROJECT = join(PROJECT_PATH, 'test/e2e/projects/adoption');
const reason = await whyNoLab();

/** What `--json` prints, as far as it is looked at here. */
interface PlanJson {
  readonly hosts: ReadonlyArray<{
    readonly host: string;
    readonly changes: ReadonlyArray<{ readonly type: string; readonly id: string; readonly action: string }>;
  }>;
}

/** All that a person had made, and what is enabled and runs; not what time and daemons change by themselves. */
const LISTING = `cd / && find etc/apache2 etc/bind etc/php etc/default etc/sysctl.d etc/sudoers.d etc/hosts home/anna \\
  usr/local var/www -printf '%p %y %m %u %g %l\\n' | sort
find etc/apache2 etc/bind etc/php etc/default etc/sysctl.d etc/sudoers.d etc/hosts home/anna usr/local var/www -type f \\
  -exec sha256sum {} + | sort -k 2
for unit in apache2 php8.2-fpm named; do
  echo "$unit $(systemctl is-active $unit) $(systemctl is-enabled $unit)"
done
getent passwd anna; ls -d /var/lib/farmctl`;

describe.skipIf(reason !== undefined)(`adoption${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  const before = new Map<string, string>();

  const inventory = (name: string) => join(PROJECT, `inventories/${name}.yaml`);
  const farmctl = (verb: string, name = 'adoption', ...more: readonly string[]) =>
    lab.farmctl([verb, '-i', inventory(name), ...(verb === 'apply' ? ['--yes'] : []), ...more]);
  const on = async (host: string, script: string) => (await lab.host(host).must(script)).trim();
  /** Scripts of a person, one after the other, as root on the host. */
  async function byHand(host: string, ...names: readonly string[]): Promise<void> {
    for (const name of names) await on(host, await readFile(join(PROJECT, `hands/${name}.sh`), 'utf8'));
  }

  /** `HOST: ACTION TYPE ID` of every change. */
  async function planned(...more: readonly string[]): Promise<readonly string[]> {
    const { stdout, stderr } = await farmctl('plan', 'adoption', '--json', ...more);
    if (stdout === '') throw new Error(stderr);
    const { hosts }: PlanJson = JSON.parse(stdout);
    return hosts.flatMap(({ host, changes }) => changes.map((one) => `${host}: ${one.action} ${one.type} ${one.id}`));
  }

  async function apply(name: string, ...more: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await farmctl('apply', name, ...more);
    if (exitCode !== 0) throw new Error(`apply ended with ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  }

  /** The lines of the plan for one resource of one host, between its head and the next. */
  async function shown(host: string, head: string): Promise<string> {
    const { stdout } = await farmctl('plan', 'adoption', '-l', host);
    const from = stdout.indexOf(`${head}  `);
    if (from === -1) throw new Error(`no ${head} in\n${stdout}`);
    const lines = stdout.slice(from).split('\n');
    const end = lines.findIndex((line, index) => index > 0 && !line.startsWith('      '));
    return lines
      .slice(1, end)
      .map((line) => `${line.slice(6)}\n`)
      .join('');
  }

  const serial = (server: string) => on('ns2', `dig +short +norecurse @${server} shop.example SOA | cut -d ' ' -f 3`);
  const invocations = (host: string) => on(host, 'systemctl show -P InvocationID named apache2 php8.2-fpm');

  beforeAll(async () => {
    lab = await openLab(inventory('adoption'), { name: NAME, image: 'warm', fresh: true });
    await Promise.all([
      byHand('ns1', 'bind-primary').then(() => byHand('ns2', 'bind-secondary')),
      byHand('old1', 'debian'),
      byHand('web1', 'base', 'apache'),
    ]);
    for (const host of ['ns1', 'ns2', 'old1', 'web1']) before.set(host, (await lab.host(host).exec(LISTING)).stdout);
  });

  afterAll(() => down(statePaths(), NAME));

  test('what is as desired already is not planned, whoever made it', async () => {
    const all = await planned('-l', 'web1', '-t', 'base');
    // The account, its key, the live value and what else is in the files were there.
    expect(all).toEqual([
      'web1: create block /etc/hosts farm',
      'web1: create sudoers 60-farmctl',
      'web1: create sysctl net.core.somaxconn',
    ]);
    const app = await planned('-l', 'web1', '-t', 'apache-app');
    expect(app.filter((one) => one.includes('/var/www/shop'))).toEqual([]);
    expect(app).toContain('web1: update service apache2.service');
  });

  test("a distribution's own file is compared without its comments", async () => {
    const plan = await shown('old1', 'service apache2.service');
    expect(plan).toContain('/etc/apache2/sites-enabled 000-default.conf not declared -> (none)\n');
    expect(plan).toMatch(/^\/etc\/apache2\/mods-enabled access_compat\.load, auth_basic\.load, .* -> \(none\)$/m);
    expect(plan).toMatch(/^\\ \d+ lines of comments removed$/m);
    expect(plan).not.toContain('-# Summary of how the Apache 2 configuration works');
  });

  test('a zone in another file is compared by its records', async () => {
    const plan = await shown('ns1', 'service named.service');
    expect(plan).toContain('shop.example serial 2026110302 -> 2026110303\n');
    expect(plan).toContain(`/etc/bind/zones/shop.example.zone
@@ -1,8 +1,13 @@
-shop.example. 86400 IN SOA ns1.shop.example. root.shop.example. 2026110302 604800 86400 2419200 86400
+; Managed by farmctl: what is changed here is lost at the next apply.
+shop.example. 86400 IN SOA ns1.shop.example. root.shop.example. 2026110303 604800 86400 2419200 86400
 shop.example. 86400 IN NS ns1.shop.example.
 shop.example. 86400 IN NS ns2.shop.example.
+shop.example. 86400 IN NS old1.shop.example.
 shop.example. 86400 IN MX 10 mail.shop.example.
`);
    expect(plan).toContain('The zone is served from /etc/bind/db.shop.example now; that file stays as it is.\n');
    expect(await planned('-l', 'ns2', '-t', 'bind9')).toEqual([
      'ns2: update service named.service',
      'ns2: create dns-zone-copy 60.78.10.in-addr.arpa',
      'ns2: create dns-zone-copy shop.example',
    ]);
  });

  test('one apply takes all over, serials go on, and the second changes nothing', async () => {
    await apply('adoption');
    expect(await serial('10.78.60.11')).toBe('2026110303');
    expect(await serial('10.78.60.12')).toBe('2026110303');
    expect(await serial('10.78.60.13')).toBe('2026110303');
    const page = 'curl -sk --resolve www.shop.example:443:127.0.0.1 https://www.shop.example/';
    expect(await on('web1', page)).toBe('shop');
    expect(await on('web1', 'cat /var/www/shop/about.html')).toBe('The shop of 2021');
    expect(await apply('adoption')).toContain('No changes. The farm is as described.');
    const drift = await farmctl('drift');
    expect(drift).toMatchObject({ exitCode: 0, stdout: 'No changes. The farm is as described.\n' });
  }, 180_000);

  /** As if somebody else had made the host just so. */
  const FORGET = 'rm -rf /var/lib/farmctl';

  test('a host that is as described is left as it is, and only what a process has not loaded is owed', async () => {
    await on('web2', `systemctl restart apache2 php8.2-fpm; ${FORGET}`);
    const running = await invocations('web2');
    expect(await planned('-l', 'web2')).toEqual([]);
    await apply('adoption', '-l', 'web2');
    expect(await on('web2', '[ ! -e /var/lib/farmctl ] && echo nothing')).toBe('nothing');

    await on('web2', 'chmod 0644 /etc/apache2/ports.conf');
    expect(await shown('web2', 'service apache2.service')).toBe(`process runs on older files -> reloaded
The files were written, or touched, after the running process has loaded them.
`);
    await apply('adoption', '-l', 'web2');
    expect(await planned('-l', 'web2')).toEqual([]);
    expect(await invocations('web2')).toBe(running);
  });

  test('nothing of a host that was as described goes with farmctl', async () => {
    const state = (await lab.host('web2').exec(LISTING)).stdout.replace('/var/lib/farmctl\n', '');
    const running = await invocations('web2');
    await apply('retired', '-l', 'web2');
    expect((await lab.host('web2').exec(LISTING)).stdout).toBe(state);
    expect(await invocations('web2')).toBe(running);
  });

  test('a retired host is as it was before', async () => {
    const { stdout } = await farmctl('plan', 'retired', '-l', 'web1,ns1');
    expect(stdout).toContain(`      process active -> restarted on what was there before\n`);
    expect(stdout).toContain('      /etc/apache2/ports.conf kind file -> what was there before\n');
    expect(stdout).toContain('      /etc/apache2/sites-enabled intranet.conf, shop.conf: what was there before\n');
    expect(stdout).toContain('      The home directory /home/anna stays.\n');
    await apply('retired');
    for (const [host, listing] of before) {
      const { stdout } = await lab.host(host).exec(LISTING);
      // Where farmctl made the account, its home is told to stay.
      expect(host === 'web1' ? stdout : stdout.replaceAll(/.* ?home\/anna.*\n/g, ''), host).toBe(listing);
    }
    expect(await on('web1', 'curl -sk -o /dev/null -w "%{http_code}" http://127.0.0.1:8080/')).toBe('200');
    expect(await on('ns1', 'dig +short +norecurse @127.0.0.1 old.example SOA | cut -d " " -f 3')).toBe('7');
  }, 120_000);
});
