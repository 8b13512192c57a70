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
  unsupported: 'Not supported yet',
  disconnected: 'Connection lost',
};

/** A failure of a host as it is reported: the diagnostic, and how the host came out. */
export interface HostFailure {
  readonly diagnostic: Diagnostic;
  readonly outcome: Extract<HostOutcome, 'failed' | 'unreachable' | 'locked' | 'interrupted'>;
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
    const failed = connected || error.failure === 'become-failed';
    return {
      outcome: failed ? 'failed' : 'unreachable',
      diagnostic: problem(code, SUMMARIES[error.failure], `${host}: ${error.message}`, {
        host,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
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
