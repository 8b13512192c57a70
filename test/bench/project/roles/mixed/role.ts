import {
  authorizedKey,
  block,
  defineRole,
  directory,
  exec,
  file,
  group,
  ownedDirectory,
  packages,
  type Resource,
  service,
  sh,
  symlink,
  sysctl,
  t,
  text,
  unitFile,
  user,
} from 'farmctl';

/** Lines of a settings file of the usual size, 1 to 2 KiB. */
function settings(name: string): string {
  return Array.from({ length: 30 }, (_, line) => `${name}.setting_${line} = value of ${line}\n`).join('');
}

const UNIT = `[Unit]
Description=Does nothing, for a benchmark

[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/true
`;

function numbered<T>(count: number, make: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}

export default defineRole({
  name: 'mixed',
  summary: 'Forty-five resources of every kind, on packages that each Debian has.',
  systems: ['debian-12'],
  variables: t.object({}),
  resources() {
    const all: Resource[] = [
      packages(['openssh-server', 'sudo']),
      packages(['iproute2', 'iputils-ping', 'kmod']),
      packages(['procps', 'netbase', 'ca-certificates']),
      group({ name: 'bench' }),
      group({ name: 'benchers' }),
      user({ name: 'bench', group: 'bench', system: true }),
      user({ name: 'bencher', group: 'bench', groups: ['benchers'], shell: '/bin/sh' }),
      ...['ip_default_ttl', 'tcp_keepalive_time', 'tcp_fin_timeout', 'ip_local_port_range'].map((key, index) =>
        sysctl({ key: `net.ipv4.${key}`, value: ['70', '600', '30', '20000 60000'][index] ?? '' }),
      ),
      ...numbered(4, (number) => directory({ path: `/srv/bench/${number}`, owner: 'bench', group: 'bench' })),
      ...numbered(16, (number) =>
        file({ path: `/etc/bench/${number}.conf`, content: text(settings(`file${number}`)), mode: '0640' }),
      ),
      ...numbered(3, (number) => symlink({ path: `/srv/bench/link${number}`, target: `/srv/bench/${number}` })),
      block({ path: '/etc/hosts', name: 'bench', content: '192.0.2.1 one.bench\n192.0.2.2 two.bench\n' }),
      authorizedKey({
        user: 'bencher',
        key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2P4wX0a8yJk3sGJv0v7WvVt8Q0p5n3qf1mWmXH3T9U bench',
      }),
      ownedDirectory({
        path: '/etc/bench/parts.d',
        entries: numbered(2, (number) => file({ path: `/etc/bench/parts.d/${number}`, content: text(`${number}\n`) })),
      }),
      exec({ name: 'mark', script: sh`: >/srv/bench/mark`, creates: '/srv/bench/mark' }),
      service({
        unit: 'bench.service',
        enabled: false,
        active: true,
        config: [
          unitFile({ unit: 'bench.service', content: text(UNIT) }),
          ...numbered(3, (number) =>
            file({ path: `/etc/bench/service/${number}.conf`, content: text(settings(`service${number}`)) }),
          ),
        ],
      }),
      service({
        unit: 'ssh.service',
        enabled: true,
        active: true,
        config: [file({ path: '/etc/ssh/sshd_config.d/50-bench.conf', content: text('LoginGraceTime 60\n') })],
        validate: sh`/usr/sbin/sshd -t`,
        checkers: ['/usr/sbin/sshd'],
      }),
    ];
    return all;
  },
});
