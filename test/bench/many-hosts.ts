import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { Installed } from './installed.ts';
import { inventory } from './inventory-text.ts';
import { type Figure, type Sample, type Start, sample } from './measure.ts';

/** Further addresses that each lab host is given. */
const ADDRESSES = 100;

function extraAddress(host: number, number: number): string {
  return `10.78.${41 + host}.${number + 1}`;
}

/**
 * 100 and 1,000 hosts: each lab host under a hundred addresses. Their sshd is told to take more logins at a time than by
 * default, for one stands for a hundred here.
 */
export async function manyHosts(lab: Lab, { words, folder }: Installed): Promise<readonly Figure[]> {
  const start: Start = (all, env) => lab.run(all, { env: { ...env, XDG_CACHE_HOME: folder }, timeoutMs: 900_000 });
  const hosts = lab.hostNames.map((name) => lab.host(name));
  const keys = await Promise.all(
    hosts.map(async (host, at) => {
      const numbers = Array.from({ length: ADDRESSES }, (_, number) => number);
      const adding = numbers.map((number) => `ip address replace ${extraAddress(at, number)}/32 dev eth0`).join('\n');
      await lab.run(['ip', 'route', 'replace', `10.78.${41 + at}.0/24`, 'via', host.addressIn()]);
      const made = await host.must(`${adding}
printf 'MaxStartups 300\\n' >/etc/ssh/sshd_config.d/00-many.conf && systemctl reload ssh
cat /etc/ssh/ssh_host_ed25519_key.pub`);
      return made.split(' ').slice(0, 2).join(' ').trim();
    }),
  );
  const stands = Array.from({ length: hosts.length * ADDRESSES }, (_, index) => {
    const at = index % hosts.length;
    const address = extraAddress(at, Math.floor(index / hosts.length));
    return { name: `n${index + 1}`, address, key: keys[at] ?? '' };
  });
  const run = async (count: number): Promise<Sample> => {
    const path = join(folder, `many-${count}.yaml`);
    await writeFile(path, inventory(stands.slice(0, count), lab.keyPath));
    const command = [...words, 'drift', '-i', path, '--json'];
    const taken = await sample(start, command, { scratch: folder, statuses: [0, 2] });
    const { hosts: seen } = JSON.parse(taken.result.stdout) as { hosts: { unchangedCount: number }[] };
    if (seen.length !== count) throw new Error(`${seen.length} hosts of ${count} were looked at`);
    return taken;
  };
  try {
    const few = await run(100);
    const many = await run(1000);
    const seconds = (one: Sample) => `${(one.wallMs / 1000).toFixed(1)} s`;
    return [
      {
        name: '1,000 hosts against ten times 100',
        value: many.wallMs / (10 * few.wallMs),
        unit: 'ratio',
        target: 1.1,
        detail: `drift: ${seconds(few)} for 100, ${seconds(many)} for 1,000`,
        cpuMs: many.cpuMs,
        peakMiB: many.peakMiB,
      },
      {
        name: 'memory at 1,000 hosts',
        value: many.peakMiB,
        unit: 'MiB',
        target: 200,
        detail: `${Math.round(few.peakMiB)} MiB at 100`,
      },
    ];
  } finally {
    const removing = hosts.map(async (host, at) => {
      await lab.run(['ip', 'route', 'del', `10.78.${41 + at}.0/24`]);
      return host.exec(`ip -4 -o address show dev eth0 | grep -o '10[.]78[.]${41 + at}[.][0-9]*/32' | while read -r a; do ip address del "$a" dev eth0; done
rm -f /etc/ssh/sshd_config.d/00-many.conf; systemctl reload ssh`);
    });
    await Promise.all(removing);
  }
}
