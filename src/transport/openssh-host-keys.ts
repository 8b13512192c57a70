import { writeFile } from 'node:fs/promises';
import type { Endpoint } from './endpoint.ts';
import { judgeHostKey } from './host-key.ts';
import type { HostKeys } from './host-keys.ts';
import { pinnedLines } from './openssh-arguments.ts';
import { TransportError } from './transport.ts';

/** Writes the pinned keys of an endpoint where OpenSSH's client reads them; undefined: nothing is pinned. */
export async function writePins(endpoint: Endpoint, hostKeys: HostKeys, file: string): Promise<string | undefined> {
  if (endpoint.pinned.length === 0) return undefined;
  const revoked = (await hostKeys.lines(endpoint)).filter((line) => line.marker === 'revoked');
  const text = pinnedLines(
    endpoint.pinned,
    revoked.map(({ keyType, key }) => `${keyType} ${key}`),
  );
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

/**
 * Why OpenSSH's client refused a key, in the same words as the other client has.
 * @param blob the key, where the host showed it again
 */
export async function whyKeyRefused(
  endpoint: Endpoint,
  hostKeys: HostKeys,
  blob: Buffer | undefined,
  { keyRefused, isRevoked }: { readonly keyRefused: TransportError; readonly isRevoked: boolean },
): Promise<TransportError> {
  const verdict = blob === undefined ? undefined : judgeHostKey(await hostKeys.policy(endpoint), blob);
  if (verdict?.verdict === 'refused' && verdict.error.failure !== 'unsupported') return verdict.error;
  if (isRevoked) {
    return new TransportError(
      'host-key-revoked',
      `${endpoint.label} shows a host key that is revoked by the RevokedHostKeys of the ssh configuration.`,
      'Whoever holds a revoked key may not be that host: do not go on. Give the host new keys and make them known.',
      { cause: keyRefused },
    );
  }
  const authority = (await hostKeys.lines(endpoint)).find((line) => line.marker === 'cert-authority');
  return new TransportError(
    'host-key-unknown',
    authority === undefined
      ? `OpenSSH’s client refused the host key of ${endpoint.label}.`
      : `${endpoint.label} shows no host key that the certificate authority at ${authority.at} has signed for it.`,
    'Renew the host’s certificate, or pin its key in the inventory (ssh: host_keys) after comparing the fingerprint on the host’s console.',
    { cause: keyRefused },
  );
}
