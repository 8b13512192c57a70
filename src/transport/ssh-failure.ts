import type { Authenticator } from './authentication.ts';
import type { Endpoint } from './endpoint.ts';
import { TransportError } from './transport.ts';

/** A host that leaves so many questions of keepalive unanswered is lost. */
export const KEEPALIVES = 3;

/** Which part of ssh2 an error comes from: `client-authentication`, `client-socket`, `agent`… */
export function levelOf(error: Error): string | undefined {
  return 'level' in error && typeof error.level === 'string' ? error.level : undefined;
}

/** Why a login failed, from what ssh2 says. `hasHandshake`: the host key was accepted already. */
export function connectFailed(
  { label }: Endpoint,
  error: Error,
  hasHandshake: boolean,
  auth: Authenticator,
): TransportError {
  if (levelOf(error) === 'client-authentication') return auth.failure();
  if (/too many authentication failures/i.test(error.message)) return auth.failure(error.message);
  if (/no matching/i.test(error.message)) {
    return new TransportError(
      'unsupported',
      `${label} and farmctl have no algorithm in common: ${error.message}.`,
      'Allow curve25519-sha256, an ssh-ed25519 or rsa-sha2 host key and an AES-GCM or AES-CTR cipher in its sshd_config.',
      { cause: error },
    );
  }
  const when = hasHandshake ? 'during the login' : 'before the login';
  return new TransportError(
    'unreachable',
    `The connection to ${label} broke ${when}: ${error.message}.`,
    'Look at the log of sshd on that host (journalctl -u ssh).',
    { cause: error },
  );
}

/** Why an open connection ended. */
export function lostBecause({ label }: Endpoint, error: Error | undefined, keepaliveMs: number): TransportError {
  const isSilent = error !== undefined && /keepalive/i.test(error.message);
  const why = isSilent
    ? `it did not answer for ${(keepaliveMs * (KEEPALIVES + 1)) / 1000} s`
    : (error?.message ?? 'the other side closed it');
  return new TransportError(
    'disconnected',
    `The connection to ${label} was lost: ${why}.`,
    'Look whether the host and its sshd still run, then run farmctl again: it goes on from what is there.',
    { cause: error },
  );
}
