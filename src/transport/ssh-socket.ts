import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { abortReason, unlessAborted } from './abort.ts';
import type { Endpoint } from './endpoint.ts';
import type { Attempt } from './pacing.ts';
import type { SshLink } from './ssh-link.ts';
import { TransportError } from './transport.ts';

/** How far a login came before its deadline. */
export type Stage = 'connect' | 'handshake' | 'login';

/** The deadline's own words, by how far the login came. */
export function loginTimedOut({ label }: Endpoint, stage: Stage, limitMs: number): TransportError {
  const seconds = `${limitMs / 1000} s`;
  if (stage === 'connect') {
    return new TransportError(
      'unreachable',
      `${label} did not answer within ${seconds}.`,
      'Look whether the host is up, and whether a firewall lets this machine reach its ssh port.',
    );
  }
  if (stage === 'handshake') {
    return new TransportError(
      'unreachable',
      `${label} accepted the connection, but no ssh handshake came about within ${seconds}.`,
      'Look whether it is an sshd that listens there, and whether the host hangs or is overloaded.',
    );
  }
  return new TransportError(
    'unreachable',
    `${label} did not finish the login within ${seconds}.`,
    'Its sshd may wait for a directory or name service: look at its log (journalctl -u ssh).',
  );
}

/** What stood in the way of a connection, in words for the user. */
export function unreachable({ label, address }: Endpoint, cause: NodeJS.ErrnoException): TransportError {
  const causes: Readonly<Record<string, readonly [string, string]>> = {
    ECONNREFUSED: ['nothing listens on that port', 'Look whether sshd runs there, and on which port.'],
    EHOSTUNREACH: [
      'there is no route to the host, or it is down',
      'Look whether the host is up and in the same network.',
    ],
    ENETUNREACH: ['there is no route to its network', 'Look at the routes of this machine.'],
    ETIMEDOUT: ['it does not answer', 'Look whether the host is up, and at firewalls in between.'],
    ENOTFOUND: [`the name ${address} does not exist`, 'Correct the name, or give an address in the inventory.'],
    EAI_AGAIN: [`the name ${address} cannot be looked up now`, 'Look at the name servers of this machine.'],
  };
  const [why, hint] = causes[cause.code ?? ''] ?? [cause.message, 'Look whether the host is up.'];
  return new TransportError('unreachable', `${label} cannot be reached: ${why}.`, hint, { cause });
}

/**
 * Sends what is written in one turn of the event loop together. ssh2 writes each packet in three pieces; each would
 * travel alone, and wake the sshd.
 */
function sendTogether(socket: Socket): void {
  const { write } = socket;
  socket.write = (...words: readonly unknown[]): boolean => {
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    return Reflect.apply(write, socket, words);
  };
}

/**
 * Connects to the sshd, with TCP_NODELAY from the first byte. What a full accept queue may look like is `busy`.
 * @throws TransportError `unreachable`, or the signal's reason
 */
export function openSocket(endpoint: Endpoint, signal: AbortSignal): Promise<Attempt<Duplex>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortReason(signal));
    const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
    sendTogether(socket);
    const abort = () => {
      socket.destroy();
      reject(abortReason(signal));
    };
    signal.addEventListener('abort', abort, { once: true });
    const settle = () => signal.removeEventListener('abort', abort);
    const fail = (cause: NodeJS.ErrnoException) => {
      settle();
      const error = unreachable(endpoint, cause);
      if (cause.code === 'ECONNREFUSED' || cause.code === 'ECONNRESET') resolve({ busy: error });
      else reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      socket.off('error', fail);
      // It may fail before the protocol listens to it, which looks then whether it still stands.
      socket.on('error', () => {});
      resolve({ value: socket });
    });
  });
}

/**
 * A stream through a jump host to the sshd behind it.
 * @throws TransportError if the jump host cannot reach it or is lost, or the signal's reason
 */
export async function openThrough(
  over: SshLink,
  { address, port }: Endpoint,
  signal: AbortSignal,
): Promise<Attempt<Duplex>> {
  const stream = over.forward(address, port);
  return { value: await unlessAborted(stream, signal, (late) => late.destroy()) };
}
