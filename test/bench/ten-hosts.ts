import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import type { Installed } from './installed.ts';
import { costs, type Figure, median, type Sample, type Start, sample } from './measure.ts';

const ROUNDS = 7;
export const TEN_HOSTS = join(PROJECT_PATH, 'test/bench/project/inventories/ten.yaml');
/** What OpenSSH takes by default; the lab's own configuration names the cheaper one alone, for its tests' sake. */
const DEFAULT_KEX = 'KexAlgorithms=sntrup761x25519-sha512@openssh.com,curve25519-sha256';

/** Takes everything of farmctl off the hosts, so that the next apply is a first one. */
const FORGET = `systemctl stop bench.service
systemctl disable -q bench.service
rm -rf /etc/bench /srv/bench /etc/systemd/system/bench.service /etc/systemd/system/farmctl-journal.service
rm -f /etc/ssh/sshd_config.d/50-bench.conf /etc/sysctl.d/60-farmctl-*
sed -i '/BEGIN farmctl bench/,/END farmctl bench/d' /etc/hosts
userdel -r bencher; userdel bench; groupdel benchers; groupdel bench
rm -rf /var/lib/farmctl
sysctl -q -w net.ipv4.ip_default_ttl=64 net.ipv4.tcp_keepalive_time=7200
systemctl daemon-reload
systemctl reload ssh`;

/** Ten hosts with 45 resources each: a first apply, a look, an apply without changes; OpenSSH's clients beside them. */
export async function tenHosts(lab: Lab, { words, folder }: Installed): Promise<readonly Figure[]> {
  const start: Start = (all, env) => lab.run(all, { env: { ...env, XDG_CACHE_HOME: folder } });
  const hosts = lab.hostNames.map((name) => lab.host(name));
  const farmctl = (command: string, ...more: readonly string[]) =>
    sample(start, [...words, command, '-i', TEN_HOSTS, ...more], { scratch: folder });
  const bareLogins = [
    ...[process.execPath, join(PROJECT_PATH, 'test/bench/bare-logins.mjs'), lab.keyPath],
    ...(await Promise.all(
      hosts.map(async (host) => {
        const [, key = ''] = (await host.must('cat /etc/ssh/ssh_host_ed25519_key.pub')).split(' ');
        return `${host.addressIn()}=${key.trim()}`;
      }),
    )),
  ];
  const clients = lab.hostNames.map((name) => `ssh -o ${DEFAULT_KEX} ${name} true &`).join(' ');
  const first: Sample[] = [];
  for (let round = 0; round < 3; round++) {
    await Promise.all(hosts.map((host) => host.exec(FORGET)));
    first.push(await farmctl('apply', '--yes'));
  }
  const drift: Sample[] = [];
  const again: Sample[] = [];
  const floor: number[] = [];
  const bare: Sample[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const ssh = await lab.run(['sh', '-c', `${clients} wait`]);
    const looked = await farmctl('drift');
    const applied = await farmctl('apply', '--yes');
    const loggedIn = await sample(start, bareLogins, { scratch: folder });
    if (round === 0) continue;
    floor.push(ssh.durationMs);
    drift.push(looked);
    again.push(applied);
    bare.push(loggedIn);
  }
  const wall = (samples: readonly Sample[]) => median(samples.map((one) => one.wallMs));
  // Each round's own ratio: what else the machine does meanwhile weighs on both.
  const ratio = (above: readonly Sample[], below: readonly number[]) =>
    median(above.map((one, round) => one.wallMs / (below[round] ?? 1)));
  const ms = (value: number) => `${Math.round(value)} ms`;
  return [
    {
      name: 'drift',
      value: ratio(drift, floor),
      unit: 'ratio',
      target: 0.8,
      detail: `${ms(wall(drift))} against ${ms(median(floor))} of ten \`ssh HOST true\` side by side`,
      ...costs(drift),
    },
    {
      name: 'logins alone, by the same library',
      value: ratio(bare, floor),
      unit: 'ratio',
      target: undefined,
      detail: `${ms(wall(bare))}: no inventory is read, and nothing is looked at`,
      ...costs(bare),
    },
    {
      name: 'apply without changes',
      value: ratio(
        again,
        drift.map((one) => one.wallMs),
      ),
      unit: 'ratio',
      target: 1.05,
      detail: `${ms(wall(again))} against ${ms(wall(drift))} of drift`,
      ...costs(again),
    },
    {
      name: 'first apply',
      value: wall(first) / wall(drift),
      unit: 'ratio',
      target: 5,
      detail: `${ms(wall(first))} against ${ms(wall(drift))} of drift`,
      ...costs(first),
    },
  ];
}
