import { type Diagnostic, FarmError, problem } from '../model/diagnostic.ts';
import { TransportError, type TransportFailure } from '../transport/transport.ts';
import type { HostOutcome } from './events.ts';

const SUMMARIES: Record<TransportFailure, string> = {
  unreachable: 'Host unreachable',
  timeout: 'Host did not answer in time',
  'auth-failed': 'Login refused',
  'host-key-unknown': 'Host key not known',
  'host-key-changed': 'Host key changed',
  'host-key-revoked': 'Host key revoked',
  'become-failed': 'Cannot become root',
  'no-shell': 'No shell on the host',
  unsupported: 'Login not possible this way',
  disconnected: 'Connection lost',
  'cannot-write': 'Host cannot be written to',
};

/** What only happens once somebody is logged in: the host was reached, and failed. */
const AFTER_LOGIN: readonly TransportFailure[] = ['become-failed', 'timeout'];

/** A failure of a host as it is reported: the diagnostic, and how the host came out. */
export interface HostFailure {
  readonly diagnostic: Diagnostic;
  readonly outcome: Extract<HostOutcome, 'failed' | 'unreachable' | 'locked' | 'interrupted'>;
}

function hintOf(hint: string | undefined): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}

/** What to do about a host that takes nothing more, by the words of its own commands; undefined for all else. */
export function cureFor(said: string, host: string): string | undefined {
  if (/No space left on device|Disk quota exceeded/.test(said))
    return `Make room on ${host}: \`df -h\` and \`df -i\` there show what is full. Then run the same command again: it goes on from there.`;
  if (/Read-only file system/.test(said))
    return `A file system of ${host} is read-only: \`dmesg\` there may say why. Make it writable, then run the same command again.`;
  // The shell's own words for either, and for more.
  if (/printf: I\/O error/.test(said))
    return `${host} could not write: \`df -h\` and \`df -i\` there show what is full, \`dmesg\` whether a disk is broken. Then run the same command again: it goes on from there.`;
  return undefined;
}

/**
 * Turns what went wrong with one host into a diagnostic. Never throws: a host's failure never leaves the engine.
 * @param connected true once the remote shell answered: a deadline missed after that is a failure of the host (code 3)
 */
export function hostFailure(error: unknown, host: string, connected: boolean): HostFailure {
  if (error instanceof TransportError) {
    const code =
      error.failure === 'become-failed'
        ? 'become/failed'
        : connected
          ? `host/${error.failure}`
          : `ssh/${error.failure}`;
    const failed = connected || AFTER_LOGIN.includes(error.failure);
    return {
      outcome: failed ? 'failed' : 'unreachable',
      diagnostic: problem(code, SUMMARIES[error.failure], `${host}: ${error.message}`, {
        host,
        ...hintOf(error.hint ?? cureFor(error.message, host)),
        ...(error.hostKey === undefined ? {} : { hostKey: error.hostKey }),
      }),
    };
  }
  if (error instanceof FarmError) {
    const [first = internalError(error, host)] = error.diagnostics;
    return { outcome: 'failed', diagnostic: { ...first, host: first.host ?? host } };
  }
  return { outcome: 'failed', diagnostic: internalError(error, host) };
}

function internalError(error: unknown, host: string): Diagnostic {
  const reason = error instanceof Error ? error : new Error(String(error));
  return problem('internal/unexpected', 'Unexpected error', `${host}: ${reason.message}. This is a bug in farmctl.`, {
    host,
    hint: 'Report it with the command that you ran.',
    output: (reason.stack ?? '').split('\n').slice(1, 6).join('\n'),
  });
}
