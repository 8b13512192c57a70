import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * A stream from the controller itself, connected.
 * @param signal gives up the attempt; the stream that came of it is the caller's
 * @throws Error of the system (ECONNREFUSED…) where it cannot connect
 */
export function openDirect(address: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const abort = () => socket.destroy(new Error('given up'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.once('error', reject);
    socket.once('close', () => signal.removeEventListener('abort', abort));
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}
