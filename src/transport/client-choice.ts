import { access } from 'node:fs/promises';
import type { Endpoint } from './endpoint.ts';
import { isMissing } from './error-code.ts';
import type { Identities } from './identities.ts';
import type { KnownHostLine } from './known-hosts.ts';

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    // One that cannot be looked at is ssh's business.
    return !isMissing(error);
  }
}

/**
 * Why an endpoint needs OpenSSH's own client, as far as can be told before connecting; undefined: it does not.
 * @param lines what known_hosts has about it
 * @param identities asked only where there is an agent
 */
export async function whyOpenSsh(
  endpoint: Endpoint,
  lines: readonly KnownHostLine[],
  identities: () => Promise<Identities>,
): Promise<string | undefined> {
  const { config, asked, privateKey, pinned } = endpoint;
  if (asked.jump === undefined && config.proxyCommand !== undefined) return 'ProxyCommand';
  const [option] = config.onlyOpenSsh;
  if (option !== undefined) return option;
  if (pinned.length === 0 && lines.some((line) => line.marker === 'cert-authority')) return 'a certificate authority';
  if (config.methodsOff.includes('publickey')) return undefined;
  if (config.certificateFiles.length > 0) return 'a certificate';
  const keys = [...(privateKey === undefined ? [] : [privateKey]), ...config.identityFiles];
  const certificates = keys.map((path) => `${path.replace(/\.pub$/, '')}-cert.pub`);
  if ((await Promise.all(certificates.map(isThere))).includes(true)) return 'a certificate';
  const socket = config.identityAgent ?? process.env['SSH_AUTH_SOCK'];
  if (socket === undefined || socket === '' || socket === 'none') return undefined;
  return (await (await identities()).agent(socket)).certificates > 0 ? 'a certificate of the agent' : undefined;
}
