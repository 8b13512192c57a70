import type { Connection, Transport } from './transport.ts';

/** A transport that has begun to connect before it is asked to. What nobody has asked for must be given up by `close`. */
export interface HeadStart extends Transport {
  close(): void;
}

/**
 * Begins to connect to these hosts at once: their sshd are at work while the rest of the program is still being loaded.
 * The first `connect` to each is given that connection; `signal` is what its caller would have given.
 */
export function headStart(transport: Transport, hosts: readonly string[], signal: AbortSignal): HeadStart {
  const begun = new Map<string, Promise<Connection>>();
  const begunAtMs = performance.now();
  for (const host of hosts) {
    const connection = transport.connect(host, signal);
    // Who asks for it hears of it.
    connection.catch(() => undefined);
    begun.set(host, connection);
  }
  return {
    beganAt: (host) => (begun.has(host) ? begunAtMs : undefined),
    connect(host, itsSignal) {
      const connection = begun.get(host);
      if (connection === undefined || itsSignal !== signal) return transport.connect(host, itsSignal);
      begun.delete(host);
      return connection;
    },
    close() {
      for (const connection of begun.values()) connection.then((late) => late.close()).catch(() => undefined);
      begun.clear();
    },
  };
}
