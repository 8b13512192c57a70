import type { Duplex } from 'node:stream';
import type { ShownHostKey } from '../model/diagnostic.ts';

/**
 * Why a connection could not be made, or ended. Each maps to a diagnostic code `ssh/...`.
 * `unreachable` covers everything up to the login, its deadline too (exit code 4); `timeout` is a deadline missed
 * after the login (exit code 3). `no-shell`: logged in, but what answered is not a POSIX shell of farmctl's.
 * `cannot-write`: the shell runs, and what it was sent found no place on the host.
 * `unsupported`: something that only OpenSSH's own client can do, such as certificates.
 */
export type TransportFailure =
  | 'unreachable'
  | 'timeout'
  | 'auth-failed'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'become-failed'
  | 'no-shell'
  | 'unsupported'
  | 'disconnected'
  | 'cannot-write';

/** A connection's failure, with a sentence and a next step for the user. */
export class TransportError extends Error {
  readonly failure: TransportFailure;
  readonly hint: string | undefined;
  /** The key that was refused because nobody knows any of that host. */
  readonly hostKey: ShownHostKey | undefined;

  constructor(
    failure: TransportFailure,
    message: string,
    hint?: string,
    options?: { cause?: unknown; hostKey?: ShownHostKey | undefined },
  ) {
    super(message, options);
    this.name = 'TransportError';
    this.failure = failure;
    this.hint = hint;
    this.hostKey = options?.hostKey;
  }
}

/** How a process ended: a status, or the signal that killed it; neither if the host did not say. */
export interface Exit {
  readonly code: number | undefined;
  /** `SIGTERM`. */
  readonly signal: string | undefined;
}

/** One remote process with its streams: the loader, already as the become user. */
export interface Channel {
  /**
   * Sends bytes; resolves when they are accepted by the local buffer (back-pressure).
   * @throws TransportError if the connection is lost or the process ended without reading them
   */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Ends the remote process's input. */
  end(): void;
  /** What the process prints on stdout after the ready line, in order, read at the reader's pace. Ends when the process does; throws TransportError if the connection is lost. */
  readonly output: AsyncIterable<Uint8Array>;
  /** The last 8 KiB of its stderr so far. */
  stderrTail(): string;
  /** Exit status or signal, once it ended. Rejects with TransportError if the connection is lost; need not be awaited. */
  readonly exit: Promise<Exit>;
}

/** An open connection to one host. It lives until `close`, or until the signal given to `connect` is aborted. */
export interface Connection {
  /**
   * Starts the command as the become user; resolves when it printed the ready line (see remote/loader.ts).
   * The command is a constant: a simple command and its arguments, free of data, in a form all login shells read alike.
   * @throws TransportError `become-failed`, `no-shell`, `timeout`, `disconnected`
   */
  start(command: string): Promise<Channel>;
  /**
   * A raw stream from the host to an address that the host can reach.
   * @throws TransportError `unreachable` if the host cannot reach it
   */
  forward(address: string, port: number): Promise<Duplex>;
  /** Closes at once; safe to call twice. */
  close(): void;
}

/** How to reach hosts: ssh, the local machine, later openssh. Connecting is paced and has a deadline of its own. */
export interface Transport {
  /**
   * Connects and logs in. Aborting the signal, then or later, destroys the connection at once; a TransportError as its
   * reason is what every pending call then throws.
   */
  connect(host: string, signal: AbortSignal): Promise<Connection>;
  /** When it began to connect, as performance.now() tells it, where it did so before it was asked. */
  beganAt?(host: string): number | undefined;
}
