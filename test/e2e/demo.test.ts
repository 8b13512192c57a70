import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from '../lab/client.ts';
import { down } from '../lab/down.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH, statePaths } from '../lab/paths.ts';
import { whyNoLab } from '../lab/requirements.ts';

const NAME = 'test-demo';
const HOSTS = ['ns1', 'ns2', 'app1', 'app2', 'media1', 'media2'];
const SERVERS = { ns1: '10.77.0.11', ns2: '10.77.0.12' };
const reason = await whyNoLab();

/** What `--json` prints, as far as it is looked at here. */
interface PlanJson {
  readonly hosts: ReadonlyArray<{
    readonly host: string;
    readonly state: string;
    readonly changes: ReadonlyArray<{ readonly type: string; readonly title: string; readonly action: string }>;
    readonly diagnostics: ReadonlyArray<{ readonly code: string }>;
  }>;
  readonly results?: ReadonlyArray<{ readonly host: string; readonly outcome: string; readonly changed: number }>;
}

interface Ended {
  readonly exitCode: number | undefined;
  readonly plan: PlanJson;
  readonly stderr: string;
}

describe.skipIf(reason !== undefined)(`the demo farm${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  let folder: string;
  let inventory: string;
  let original: string;

  async function farmctl(command: 'apply' | 'plan' | 'drift', ...more: readonly string[]): Promise<Ended> {
    const yes = command === 'apply' ? ['--yes'] : [];
    const result = await lab.farmctl([command, '-i', inventory, '--json', ...yes, ...more]);
    const { exitCode, stdout, stderr } = result;
    if (stdout === '') throw new Error(`farmctl ${command} ended with ${exitCode} and said nothing:\n${stderr}`);
    return { exitCode, plan: JSON.parse(stdout), stderr };
  }

  /** An apply that has to succeed. */
  async function applied(): Promise<Ended> {
    const ended = await farmctl('apply');
    if (ended.exitCode !== 0) throw new Error(`apply ended with ${ended.exitCode}:\n${ended.stderr}`);
    return ended;
  }

  /** `host: action type title` of every change. */
  function changesOf({ plan }: Ended): readonly string[] {
    return plan.hosts.flatMap(({ host, changes }) =>
      changes.map(({ action, type, title }) => `${host}: ${action} ${type} ${title}`),
    );
  }

  async function client(...words: readonly string[]): Promise<string> {
    const result = await lab.run([process.execPath, 'test/lab/client.ts', ...words], { timeoutMs: 30_000 });
    if (result.exitCode !== 0) throw new Error(`client ${words.join(' ')}: ${result.stdout}${result.stderr}`);
    return result.stdout.trimEnd();
  }

  async function ask(server: keyof typeof SERVERS, name: string, type: string): Promise<readonly string[]> {
    return (await client('ask', SERVERS[server], name, type)).split('\n');
  }

  /** Pages by URL; names are asked from the farm's own name server. */
  async function get(...urls: readonly string[]): Promise<readonly Page[]> {
    return JSON.parse(await client('json', SERVERS.ns1, ...urls));
  }

  async function only(url: string): Promise<Page> {
    const [page] = await get(url);
    if (page === undefined) throw new Error(`no answer for ${url}`);
    return page;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmctl-demo-'));
    inventory = join(folder, 'demo.yaml');
    original = await readFile(join(PROJECT_PATH, 'inventories/demo.yaml'), 'utf8');
    await cp(join(PROJECT_PATH, 'inventories/demo-files'), join(folder, 'demo-files'), { recursive: true });
    await writeFile(inventory, original);
    lab = await openLab(inventory, { name: NAME, image: 'deps', fresh: true });
  });

  afterAll(async () => {
    await down(statePaths(), NAME);
    await rm(folder, { recursive: true, force: true });
  });

  test('one apply brings it up, the second changes nothing on any host', async () => {
    const first = await applied();
    expect(first.stderr).not.toContain('error[');
    expect(first.plan.results?.map(({ host, outcome }) => `${host} ${outcome}`)).toEqual(
      HOSTS.map((host) => `${host} changed`),
    );
    const second = await applied();
    expect(changesOf(second)).toEqual([]);
    expect(second.plan.results?.map(({ host, changed }) => `${host} ${changed}`)).toEqual(
      HOSTS.map((host) => `${host} 0`),
    );
    expect((await farmctl('drift')).exitCode).toBe(0);
  }, 360_000);

  test('every declared check holds', async () => {
    const result = await lab.farmctl(['verify', '-i', inventory]);
    expect(result.stdout).toMatch(/\n\d\d checks on 6 hosts: (\d\d) ok, 0 failed\.\n$/);
    expect(result.exitCode).toBe(0);
  });

  test('pages answer as a client sees them', async () => {
    const [byName, app1, app2, css, logo] = await get(
      'http://www.demo.example/',
      'http://app1.demo.example/',
      'http://10.77.0.22/lb-alive',
      'http://static.demo.example/site.css',
      'http://static.demo.example/logo.svg',
    );
    expect(byName?.status).toBe(200);
    expect(byName?.body).toMatch(/Served by app[12]</);
    expect(byName?.body).toContain('pool app.');
    // A name that no virtual host has is refused, and Apache says all the same that it is alive.
    expect(app1?.status).toBe(403);
    expect(app2?.status).toBe(204);
    expect(css).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/css', 'cache-control': 'max-age=604800' },
    });
    expect(logo).toMatchObject({ status: 200, headers: { 'content-type': 'image/svg+xml' } });
    expect((await only('http://www.demo.example/no-such-page')).status).toBe(404);
  });

  test('both name servers answer for every host, forwards and backwards', async () => {
    const addresses = { ns1: 11, ns2: 12, app1: 21, app2: 22, media1: 31, media2: 32 };
    for (const server of ['ns1', 'ns2'] as const) {
      for (const [host, last] of Object.entries(addresses)) {
        expect(await ask(server, `${host}.demo.example`, 'A')).toEqual([`10.77.0.${last}`]);
        expect(await ask(server, `${last}.0.77.10.in-addr.arpa`, 'PTR')).toEqual([`${host}.demo.example`]);
      }
      expect(await ask(server, 'www.demo.example', 'A')).toEqual(['10.77.0.21', '10.77.0.22']);
      expect(await ask(server, 'demo.example', 'NS')).toEqual(['ns1.demo.example', 'ns2.demo.example']);
    }
    expect(await ask('ns1', 'demo.example', 'SOA')).toEqual(await ask('ns2', 'demo.example', 'SOA'));
  });

  test('a zone is handed out with the key alone', async () => {
    const transfer = (...key: readonly string[]) =>
      lab.host('ns2').exec(`dig ${key.join(' ')} @${SERVERS.ns1} demo.example AXFR +noall +answer`);
    const withKey = await transfer('-k', '/etc/bind/farm.key');
    expect(withKey.stdout).toMatch(/^media2\.demo\.example\.\s+300\s+IN\s+A\s+10\.77\.0\.32$/m);
    expect(withKey.stdout.match(/\sSOA\s/g)).toHaveLength(2);
    const without = await transfer();
    expect(without.stdout).toContain('Transfer failed.');
    expect(without.stdout).not.toContain('media2');
  });

  test('hosts resolve names through the farm', async () => {
    expect(await lab.host('media1').must('getent -s dns ahostsv4 www | cut -d " " -f 1 | sort -u')).toBe(
      '10.77.0.21\n10.77.0.22\n',
    );
  });

  /** What is done to a host by hand, the changes that have to be found, and that it is as before afterwards. */
  const drifts = [
    {
      what: 'a hand edit',
      host: 'app1',
      script: "printf '# by hand\\n' >>/etc/apache2/sites-available/vhost-www.demo.example.conf",
      changes: ['app1: update service apache2.service'],
      healed: '! grep -rq "by hand" /etc/apache2/sites-available',
    },
    {
      what: 'a stopped service',
      host: 'media1',
      script: 'systemctl stop apache2',
      changes: ['media1: update service apache2.service'],
      healed: 'systemctl is-active -q apache2',
    },
    {
      what: 'an extra site',
      host: 'app2',
      script: 'ln -s ../sites-available/vhost-www.demo.example.conf /etc/apache2/sites-enabled/zz-extra.conf',
      changes: ['app2: update service apache2.service'],
      healed: '[ ! -L /etc/apache2/sites-enabled/zz-extra.conf ]',
    },
    {
      what: 'a removed package',
      host: 'ns2',
      script: 'dpkg --purge bind9-dnsutils >/dev/null',
      // What the copies are looked at with comes with the package.
      changes: [
        'ns2: create packages bind9 bind9-dnsutils',
        'ns2: create dns-zone-copy 0.77.10.in-addr.arpa',
        'ns2: create dns-zone-copy demo.example',
      ],
      healed: 'dpkg -s bind9-dnsutils >/dev/null && dig -v 2>/dev/null',
    },
    {
      what: 'a changed mode',
      host: 'ns1',
      script: 'chmod 0644 /etc/bind/farm.key',
      changes: ['ns1: update service named.service'],
      healed: '[ "$(stat -c "%a %U %G" /etc/bind/farm.key)" = "640 root bind" ]',
    },
  ];

  test.each(drifts)('$what is found by drift and healed by apply', async ({ host, script, changes, healed }) => {
    await lab.host(host).must(script);
    const found = await farmctl('drift');
    expect(changesOf(found)).toEqual(changes);
    expect(found.exitCode).toBe(2);
    const healing = await applied();
    expect(healing.plan.results?.filter(({ changed }) => changed > 0).map((one) => one.host)).toEqual([host]);
    await lab.host(host).must(healed);
    expect(changesOf(await farmctl('drift'))).toEqual([]);
  });

  test('a configuration that Apache refuses changes nothing, and the old one serves on', async () => {
    const state =
      'systemctl show -p InvocationID apache2; sha256sum /etc/apache2/sites-available/*; stat -c %Z /etc/apache2/sites-enabled';
    const before = await lab.host('app1').must(state);
    const wrong = original.replace(
      '- name: www.demo.example\n',
      '- name: www.demo.example\n              extra: NoSuchDirective on\n',
    );
    expect(wrong).not.toBe(original);
    await writeFile(inventory, wrong);
    const planned = await farmctl('plan');
    expect(planned.plan.hosts.filter((one) => one.state === 'refused').map((one) => one.host)).toEqual([
      'app1',
      'app2',
    ]);
    expect(planned.exitCode).toBe(3);
    const result = await lab.farmctl(['apply', '-i', inventory, '--yes']);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain('service/refused-configuration');
    expect(result.stderr).toContain("Invalid command 'NoSuchDirective'");
    expect(await lab.host('app1').must(state)).toBe(before);
    expect((await only('http://www.demo.example/')).status).toBe(200);
    await writeFile(inventory, original);
    expect(changesOf(await farmctl('drift'))).toEqual([]);
  });

  test('a host that is added appears in the zones at the next apply, and one that is retired disappears', async () => {
    const more = original.replace('"app[1:2]": { web: 10.77.0.21 }', '"app[1:3]": { web: 10.77.0.21 }');
    expect(more).not.toBe(original);
    await writeFile(inventory, more);
    lab = await openLab(inventory, { name: NAME });
    await applied();
    for (const server of ['ns1', 'ns2'] as const) {
      expect(await ask(server, 'app3.demo.example', 'A')).toEqual(['10.77.0.23']);
      expect(await ask(server, '23.0.77.10.in-addr.arpa', 'PTR')).toEqual(['app3.demo.example']);
    }
    expect(await lab.host('app3').must('curl -s -H "Host: www.demo.example" http://10.77.0.23/')).toContain('by app3<');
    expect(changesOf(await farmctl('drift'))).toEqual([]);

    const retired = original.replace(
      '"app[1:2]": { web: 10.77.0.21 }',
      '"app[1:2]": { web: 10.77.0.21 }\n      app3: { web: 10.77.0.23, retired: true }',
    );
    await writeFile(inventory, retired);
    await applied();
    for (const server of ['ns1', 'ns2'] as const)
      await expect(ask(server, 'app3.demo.example', 'A')).rejects.toThrow('ENOTFOUND');
    expect(await lab.host('app3').must('systemctl is-active apache2 php8.2-fpm || :')).toBe('inactive\ninactive\n');
    await lab.host('app3').must('[ ! -e /srv/www/www.demo.example/index.php ] && ! grep -q farmctl /etc/hosts');
    expect(changesOf(await farmctl('drift'))).toEqual([]);
  }, 300_000);
});
