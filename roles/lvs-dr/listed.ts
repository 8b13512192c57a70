import type { HealthCheck } from './health.ts';
import { fallbackEnd, isQuiescent, METHOD_FLAGS, type VirtualServer } from './services.ts';

/**
 * Seconds for which farmctl waits for an answer: a probe has 30. Who answers later than that and is not listed is taken
 * for failing.
 */
const MOST_SECONDS = 10;

const patience = ({ timeout }: HealthCheck): number => Math.min(timeout, MOST_SECONDS);

/** The arguments by which a real server is asked again: see ASK. No password is among them. */
function checkWords(server: VirtualServer, address: string): readonly string[] {
  const { check, key, service, vip, port } = server;
  if (check.type === 'on' || check.type === 'off') return ['on'];
  const own = server.reals.find((one) => one.address === address)?.port ?? port;
  if (check.type === 'external')
    return [
      'external',
      check.command,
      vip.address,
      String(service.mark === undefined ? port : 0),
      address,
      String(own),
    ];
  return [
    ...[check.type, address, String(check.port ?? own), String(patience(check))],
    ...[
      check.request,
      check.expect,
      check.host,
      check.method,
      service.protocol,
      key.slice(3),
      check.user,
      check.database,
    ],
  ];
}

/** The kernel's table as it shall be. */
export function listed(servers: readonly VirtualServer[]) {
  return servers.map((server) => {
    const { service, key, reals, check } = server;
    const { name, scheduler, persistence, method } = service;
    return {
      name,
      key,
      scheduler,
      persistence: persistenceText(persistence),
      quiescent: isQuiescent(server),
      fallback: fallbackEnd(server) ?? '',
      timeout: patience(check),
      destinations: reals.map((one) => ({
        name: one.host,
        destination: `${one.address}:${one.port}`,
        method: METHOD_FLAGS[method],
        weight: one.weight,
        check: [...checkWords(server, one.address)],
      })),
    };
  });
}

/** Dotted notation of so many leading bits. */
export function netmask(prefix: number): string {
  const bits = '1'.repeat(prefix).padEnd(32, '0');
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.');
}

function persistenceText(persistence: VirtualServer['service']['persistence']): string {
  if (persistence === undefined) return '';
  return persistence.prefix === 32 ? `${persistence.seconds}` : `${persistence.seconds} ${netmask(persistence.prefix)}`;
}

/** The beginning of each line of `ipvsadm -Sn` that a real or a fallback server of these has. */
export function rows(servers: readonly VirtualServer[]): readonly string[] {
  return servers.flatMap((server) => {
    const last = fallbackEnd(server);
    const ends = server.reals.map((one) => `${one.address}:${one.port}`);
    return [...ends, ...(last === undefined ? [] : [last])].map((end) => `-a ${server.key} -r ${end} `);
  });
}
