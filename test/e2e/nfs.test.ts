import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';

const reason = await whyNoLab();
const WEB = '{ path: /srv/nfs/web, owner: farmweb, group: farmweb }';

interface Wishes {
  readonly threads?: number;
  readonly exports?: string;
  /** More of the mount on media1. */
  readonly mount?: string;
  readonly retired?: boolean;
}

/** A server, a web server whose files lie there, and a client that only mounts. */
function inventory({ threads = 4, exports = WEB, mount = '', retired = false }: Wishes): string {
  return `farm: shared
domain: shared.example
os: debian-12
networks: { web: { cidr: 10.84.0.0/24, device: eth0 } }
variables: { nfs: { threads: ${threads} } }
tiers:
  files:
    roles: [{ nfs/server: { exports: [${exports}] } }]
    hosts: { nfs1: { web: 10.84.0.31 } }
  media:
    roles:
      - nfs/client: { mounts: [{ export: /srv/nfs/web${mount} }] }
      - apache-media: { vhosts: [{ name: static.shared.example, docroot: /srv/nfs/web }] }
    hosts: { media1: { web: 10.84.0.21 } }
  plain:
    roles: [{ nfs/client: { mounts: [{ export: /srv/nfs/web }] } }]
    hosts: { plain1: { web: 10.84.0.22${retired ? ', retired: true' : ''} } }
`;
}

interface Planned {
  readonly hosts: readonly {
    readonly host: string;
    readonly changes: readonly { readonly type: string; readonly id: string; readonly risk: string }[];
  }[];
}

describe.skipIf(reason !== undefined)(`NFS${reason === undefined ? '' : ` (left out: ${reason})`}`, () => {
  let lab: Lab;
  let folder: string;
  let path: string;

  const wish = (wishes: Wishes) => writeFile(path, inventory(wishes));
  async function farmctl(command: string, ...more: readonly string[]) {
    const { exitCode, stdout, stderr, durationMs } = await lab.farmctl([command, '-i', path, ...more]);
    return { exitCode, stdout, said: stdout + stderr, durationMs };
  }
  async function applied(...more: readonly string[]): Promise<string> {
    const { exitCode, said } = await farmctl('apply', '--yes', ...more);
    expect(exitCode, said).toBe(0);
    return said;
  }
  async function converged(): Promise<void> {
    const { exitCode, said } = await farmctl('drift');
    expect(exitCode, said).toBe(0);
  }
  const on = async (host: string, script: string) => (await lab.host(host).must(script)).trim();
  async function changes(command: 'plan' | 'drift'): Promise<readonly string[]> {
    const { stdout, said } = await farmctl(command, '--json');
    expect(stdout, said).toMatch(/^\{/);
    const { hosts } = JSON.parse(stdout) as Planned;
    return hosts.flatMap(({ host, changes }) => changes.map(({ type, id, risk }) => `${host} ${type} ${id} ${risk}`));
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmctl-nfs-'));
    path = join(folder, 'shared.yaml');
    await wish({});
    lab = await openLab(path, { name: 'test-nfs', image: 'warm', fresh: true });
    await applied();
  }, 400_000);

  afterAll(async () => {
    await lab?.down();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test('a second apply has nothing to do, and all checks hold', async () => {
    await converged();
    const { exitCode, said } = await farmctl('verify');
    expect(exitCode, said).toBe(0);
  }, 90_000);

  test('the pinned user writes, root does not, and the web server serves what lies there', async () => {
    await on('plain1', 'runuser -u farmweb -- sh -c "echo hello >/srv/nfs/web/hello.txt"');
    expect(await on('plain1', 'touch /srv/nfs/web/root 2>&1 || echo refused')).toMatch(/Permission denied\nrefused$/);
    expect(await on('nfs1', 'stat -c "%u %g" /srv/nfs/web/hello.txt; cat /srv/nfs/web/hello.txt')).toBe(
      '3000 3000\nhello',
    );
    const url = 'http://10.84.0.21/hello.txt';
    expect(await on('media1', `curl -s -H 'Host: static.shared.example' ${url}`)).toBe('hello');
    expect(await on('media1', 'systemctl show -p Requires --value apache2.service')).toContain('srv-nfs-web.mount');
  }, 60_000);

  test('an export that nobody may have is refused, and nothing is taken away by that', async () => {
    const before = await on('nfs1', 'cat /var/lib/nfs/etab');
    await wish({ exports: `{ path: /srv/nfs/web, clients: [{ cidr: 10.99.0.0/24 }] }` });
    const { exitCode, said } = await farmctl('apply', '--yes');
    expect(exitCode).toBe(1);
    expect(said).toMatch(/shared\.yaml:8:\d+[\s\S]*10\.99\.0\.0\/24, which lies in no network of nfs1/);
    expect(await on('nfs1', 'cat /var/lib/nfs/etab')).toBe(before);
    await wish({});
  }, 60_000);

  test('what was changed by hand is found, all of it and nothing else, and put right', async () => {
    await on(
      'nfs1',
      'exportfs -u 10.84.0.22/32:/srv/nfs/web && exportfs -o rw,no_root_squash,no_subtree_check 10.84.0.99:/srv/nfs/web && rpc.nfsd 2',
    );
    await on('media1', 'mount -o remount,bind,ro /srv/nfs/web');
    await on('plain1', 'systemctl disable -q --now srv-nfs-web.automount; rm /etc/systemd/system/rpcbind.socket');
    expect(await changes('drift')).toEqual([
      'nfs1 nfs-exports server reload',
      'media1 nfs-mount /srv/nfs/web reload',
      'plain1 masked-unit rpcbind.socket none',
      'plain1 nfs-mount /srv/nfs/web none',
    ]);
    await applied();
    await converged();
    expect(await on('plain1', 'cat /srv/nfs/web/hello.txt')).toBe('hello');
  }, 120_000);

  test('a bad line by hand takes all exports away although the reload succeeds, and apply brings them back', async () => {
    await on(
      'nfs1',
      'sed -i "1i /srv/nfs/web *(rw,bogus)" /etc/exports.d/farmctl.exports && systemctl reload nfs-server',
    );
    expect(await on('nfs1', 'grep -c . /var/lib/nfs/etab || :')).toBe('0');
    await applied();
    await converged();
    expect(await on('nfs1', 'grep -c . /var/lib/nfs/etab')).toBe('2');
  }, 90_000);

  test('threads change without a restart; a mount whose options a remount does not reach is mounted again', async () => {
    const invocation = () => on('nfs1', 'systemctl show -p InvocationID --value nfs-server.service');
    const before = await invocation();
    await wish({ threads: 6, mount: ', lookupcache: all' });
    expect(await changes('plan')).toEqual([
      'nfs1 service nfs-server.service reload',
      'nfs1 nfs-exports server none',
      'media1 unitFile srv-nfs-web.mount none',
      'media1 nfs-mount /srv/nfs/web restart',
    ]);
    expect(await applied()).toContain('Meanwhile apache2.service is stopped.');
    expect(await on('nfs1', 'cat /proc/fs/nfsd/threads')).toBe('6');
    expect(await invocation()).toBe(before);
    expect(await on('media1', 'systemctl is-active apache2.service')).toBe('active');
    await converged();
  }, 120_000);

  test('while the server is off, its clients wait, farmctl does not, and nothing is lost', async () => {
    const script =
      'i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo $i >>/srv/nfs/web/log && sync /srv/nfs/web/log || exit 1; sleep 0.1; done';
    await on('plain1', `systemd-run -q --unit=writer --uid=farmweb sh -c '${script}'`);
    await on('nfs1', 'until [ -s /srv/nfs/web/log ]; do sleep 0.2; done');
    await lab.host('nfs1').powerOff();
    const started = performance.now();
    const plan = await farmctl('plan');
    expect(plan.exitCode, plan.said).toBe(4);
    expect(plan.said).toMatch(/host nfs1/);
    expect(plan.said).not.toMatch(/unknown|timed out on (media1|plain1)/);
    const others = await farmctl('drift', '-l', 'media1,plain1');
    expect(others.exitCode, others.said).toBe(0);
    const ids = '[{ name: farmweb, uid: 3000, gid: 3000 }, { name: press, uid: 3001, gid: 3001 }]';
    const begun = performance.now();
    await applied('-l', 'media1,plain1', '-e', `nfs.ids=${ids}`);
    const ended = performance.now();
    expect(ended - started).toBeLessThan(90_000);
    const times = [plan.durationMs, others.durationMs, ended - begun].map((ms) => (ms / 1000).toFixed(1));
    console.log(`without the NFS server: plan ${times[0]} s, drift ${times[1]} s, apply ${times[2]} s`);
    const verify = await farmctl('verify', '-l', 'plain1');
    expect(verify.exitCode, verify.said).toBe(2);
    expect(verify.said).toContain('/srv/nfs/web does not answer within 8 s');
    expect(await on('plain1', 'systemctl is-active writer.service')).toBe('active');
    await lab.host('nfs1').powerOn();
    await on('plain1', 'while systemctl is-active -q writer.service; do sleep 0.5; done');
    expect(await on('plain1', 'systemctl show -p Result --value writer.service')).toBe('success');
    expect(await on('nfs1', 'seq 200 | cmp - /srv/nfs/web/log && echo whole')).toBe('whole');
    await applied();
    await converged();
  }, 240_000);

  test('a client that is retired has unmounted it, and nothing of farmctl is left', async () => {
    await wish({ threads: 6, mount: ', lookupcache: all', retired: true });
    await applied();
    expect(await on('plain1', 'grep -c " /srv/nfs" /proc/self/mountinfo || :')).toBe('0');
    const left = 'find /etc/systemd -name "*srv*" -o -lname /dev/null -name "rpc*"; find /srv -mindepth 1';
    expect(await on('plain1', `${left}; [ ! -e /var/lib/farmctl ] || echo state`)).toBe('');
    expect(await on('nfs1', 'cut -f 2 /var/lib/nfs/etab | cut -d "(" -f 1')).toBe('10.84.0.21/32');
  }, 120_000);
});
