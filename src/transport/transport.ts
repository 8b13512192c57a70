import type { Duplex } from 'node:stream';

/** Why a connection could not be made or ended. Each maps to a diagnostic code `ssh/...`. */
export type TransportFailure =
  | 'unreachable'
  | 'timeout'
  | 'auth-failed'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'become-failed'
  | 'disconnected';

/** A connection's failure, with a sentence and a next step for the user. */
export class TransportError extends Error {
  readonly failure: TransportFailure;
  readonly hint: string | undefined;

  constructor(failure: TransportFailure, message: string, hint?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TransportError';
    this.failure = failure;
    this.hint = hint;
  }
}

/** One remote process with its streams: the loader, already as the become user. */
export interface Channel {
  /** Sends bytes; resolves when they are accepted by the local buffer (back-pressure). Rejects with TransportError. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Ends the remote process's input. */
  end(): void;
  /** What the process prints on stdout, in order. Ends when the process does. */
  readonly output: AsyncIterable<Uint8Array>;
  /** The last 8 KiB of its stderr so far. */
  stderrTail(): string;
  /** Exit status or signal, once it ended. */
  readonly exit: Promise<{ readonly code: number | undefined; readonly signal: string | undefined }>;
}

/** An open connection to one host. */
export interface Connection {
  /** Starts the command (a constant, free of data) as the become user. At most one at a time is asked for. */
  start(command: string): Promise<Channel>;
  /** A raw stream from the host to an address that the host can reach. */
  forward(address: string, port: number): Promise<Duplex>;
  /** Closes at once; safe to call twice. */
  close(): void;
}

/** How to reach hosts: ssh, the local machine, later openssh. Connecting is paced and has a deadline (ms). */
export interface Transport {
  connect(host: string, signal: AbortSignal): Promise<Connection>;
}
