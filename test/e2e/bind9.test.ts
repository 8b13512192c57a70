import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';

const reason = await whyNoLab();
const KEY = 'vN0n2sDq1cXJtq0lYk3hWm9yJ0b3cF0Yb4w3W2m8d1E=';
const ZONE_PATH = '/etc/bind/zones/zones.example.zone';

function inventory(records: string, zones = '[{ name: extra.example }]'): string {
  return `farm: zones
domain: zones.example
os: debian-12
networks: { web: { cidr: 10.79.0.0/24, device: eth0 } }
variables: { bind9: { tsig: !file tsig.key, records: ${records}, zones: ${zones} } }
tiers: { dns: { roles: [bind9], hosts: { ns1: { web: 10.79.0.11 }, ns2: { web: 10.79.0.12 } } } }
`;
}

describe.skipIf(reason !== undefined)(`name servers${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  let folder: string;
  let path: string;

  /** Exit code and all that was printed. */
  async function farmctl(
    command: string,
    ...more: readonly string[]
  ): Promise<{ exitCode: number | undefined; said: string }> {
    const { exitCode, stdout, stderr } = await lab.farmctl([command, '-i', path, ...more]);
    return { exitCode, said: stdout + stderr };
  }

  async function applied(...more: readonly string[]): Promise<void> {
    const { exitCode, said } = await farmctl('apply', '--yes', ...more);
    if (exitCode !== 0) throw new Error(said);
  }

  async function converged(): Promise<void> {
    const { exitCode, said } = await farmctl('drift');
    expect(exitCode, said).toBe(0);
  }

  async function on(host: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await lab.host(host).exec(script);
    if (exitCode !== 0) throw new Error(`${host}: ${script}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  async function serials(): Promise<readonly number[]> {
    const asked = ['10.79.0.11', '10.79.0.12'].map((server) =>
      on('ns1', `dig +short +norecurse SOA zones.example @${server} | cut -d ' ' -f 3`),
    );
    return (await Promise.all(asked)).map(Number);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmctl-zones-'));
    path = join(folder, 'zones.yaml');
    await writeFile(join(folder, 'tsig.key'), `${KEY}\n`);
    await writeFile(path, inventory('[]'));
    lab = await openLab(path, { name: 'test-zones', image: 'warm', fresh: true });
    await applied();
  }, 300_000);

  afterAll(async () => {
    await lab?.down();
    await rm(folder, { recursive: true, force: true });
  });

  test('both have the same zones, and all checks hold', async () => {
    await converged();
    expect(await serials()).toEqual([1, 1]);
    const { exitCode, said } = await farmctl('verify');
    expect(exitCode, said).toBe(0);
  }, 60_000);

  test('a record more raises the serial once, and the secondary has it when apply ends', async () => {
    await writeFile(path, inventory('[{ name: www, type: CNAME, value: ns1 }]'));
    const { said } = await farmctl('plan');
    expect(said).toMatch(/zones\.example serial 1 -> 2/);
    await applied();
    expect(await serials()).toEqual([2, 2]);
    expect(await on('ns2', 'dig +short www.zones.example @127.0.0.1')).toBe('ns1.zones.example.\n10.79.0.11');
    await converged();
  }, 60_000);

  test('another form of the same records is left alone', async () => {
    await on(
      'ns1',
      `named-compilezone -q -F text -s relative -o /root/other zones.example ${ZONE_PATH} && cat /root/other >${ZONE_PATH}`,
    );
    const { said } = await farmctl('drift');
    expect(said).not.toContain('serial');
    await applied();
    expect(await on('ns1', `cmp /root/other ${ZONE_PATH} && echo same`)).toBe('same');
    await converged();
  }, 60_000);

  test('a zone that cannot be loaded, and a record changed by hand, are put right with a newer serial', async () => {
    await on('ns1', `echo 'x A 1.2.3' >>${ZONE_PATH}; rndc reload zones.example`);
    await applied();
    expect(await serials()).toEqual([3, 3]);
    await on('ns1', `sed -i 's/10.79.0.12/10.79.0.99/' ${ZONE_PATH}; rndc reload zones.example`);
    expect((await farmctl('drift')).exitCode).toBe(2);
    await applied();
    expect(await serials()).toEqual([4, 4]);
    expect(await on('ns1', 'dig +short ns2.zones.example @127.0.0.1')).toBe('10.79.0.12');
    await converged();
  }, 90_000);

  test('a stale copy is drift, and is transferred anew', async () => {
    await on('ns2', "sed -i 's/primaries { 10.79.0.11/primaries { 10.79.0.99/' /etc/bind/named.conf && rndc reload");
    await writeFile(path, inventory('[]'));
    await applied('-l', 'ns1');
    expect(await serials()).toEqual([5, 4]);
    const { said } = await farmctl('drift');
    expect(said).toMatch(/dns-zone-copy zones\.example[\s\S]*copy 4 -> 5/);
    await applied();
    expect(await serials()).toEqual([5, 5]);
    await converged();
  }, 120_000);

  test('a primary that was set up anew does not fall behind its secondary', async () => {
    await lab.reset('ns1');
    await applied();
    expect(await serials()).toEqual([6, 6]);
    await converged();
  }, 120_000);

  test('a key that named refuses is known when the plan is made', async () => {
    const key = join(folder, 'tsig.key');
    const good = await readFile(key, 'utf8');
    await writeFile(key, 'no base64 at all!\n');
    const { exitCode, said } = await farmctl('plan');
    expect(exitCode).toBe(3);
    expect(said).toContain('service/refused-configuration');
    expect(said).not.toContain('no base64 at all!');
    await writeFile(key, good);
    await converged();
  }, 60_000);

  test('a zone that nobody wants any more is gone from both', async () => {
    await writeFile(path, inventory('[]', '[]'));
    await applied();
    expect(await on('ns1', 'ls /etc/bind/zones')).toBe('0.79.10.in-addr.arpa.zone\nzones.example.zone');
    for (const server of ['10.79.0.11', '10.79.0.12'])
      expect(await on('ns1', `dig +norecurse extra.example SOA @${server} | grep -c 'ANSWER: 0'`)).toBe('1');
    await converged();
  }, 60_000);
});
