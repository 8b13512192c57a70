import type { Duplex } from 'node:stream';
import type { AnyAuthMethod, Client, ClientChannel, ConnectConfig } from 'ssh2';
import { abortReason } from './abort.ts';
import type { Authenticator } from './authentication.ts';
import type { Endpoint } from './endpoint.ts';
import { type HostKeyPolicy, type HostKeyVerdict, hostKeyAlgorithms } from './host-key.ts';
import { type Loss, lossOf } from './loss.ts';
import type { Attempt } from './pacing.ts';
import type { ProcessStreams } from './process.ts';
import { connectFailed, KEEPALIVES, levelOf, lostBecause } from './ssh-failure.ts';
import { type Exit, TransportError } from './transport.ts';

type Ssh2 = typeof import('ssh2');

/** A login at one sshd, good for sessions and for forwarded streams. */
export interface SshLink {
  exec(command: string): Promise<ProcessStreams>;
  /** @throws TransportError `unreachable` if the host cannot reach the address */
  forward(address: string, port: number): Promise<Duplex>;
  /** Never resolves; rejects with TransportError when the link is lost or closed. */
  readonly lost: Promise<never>;
  /** Gives up at once: every pending call throws the error. */
  drop(error: TransportError): void;
  /** As `drop`, but says goodbye to the sshd. */
  close(): void;
}

/** What one login needs. */
export interface LinkOptions {
  readonly endpoint: Endpoint;
  /** The stream to the sshd, connected. */
  readonly sock: Duplex;
  readonly authenticator: Authenticator;
  readonly hostKeys: HostKeyPolicy;
  /** Judges the key, and writes a new one down. */
  readonly judge: (key: Buffer) => Promise<HostKeyVerdict>;
  readonly keepaliveMs: number;
  readonly onHandshake: () => void;
  /** Ends the link at any time; a TransportError as its reason is what is then thrown. */
  readonly stop: AbortSignal;
}

const GOODBYE_MS = 500;
/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254. */
const ADMINISTRATIVELY_PROHIBITED = 1;

function connectConfig(
  options: LinkOptions,
  verify: (key: Buffer, answer: (ok: boolean) => void) => void,
): ConnectConfig {
  const { authenticator } = options;
  return {
    sock: options.sock,
    username: options.endpoint.user,
    // The deadline is ours, and stands still while the user is asked.
    readyTimeout: 0,
    keepaliveInterval: options.keepaliveMs,
    keepaliveCountMax: KEEPALIVES,
    hostVerifier: verify,
    authHandler: (left, _isPartial, next) => {
      authenticator.next(left).then(
        // ssh2 takes false for "no more", its types do not know.
        (method) => (next as (method: AnyAuthMethod | false) => void)(method),
        (error: unknown) => options.sock.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    algorithms: {
      serverHostKey: hostKeyAlgorithms(options.hostKeys),
      // No compression, as OpenSSH's own default has it.
      compress: ['none'],
      // Those of ssh2 without SHA-1.
      hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    },
  };
}

/**
 * Handshake, host key and login over a connected stream. An sshd that hangs up before the handshake may only be busy
 * (MaxStartups); everything else is thrown.
 * @throws TransportError
 */
export async function openLink(ssh2: Ssh2, options: LinkOptions): Promise<Attempt<SshLink>> {
  const { endpoint, sock, stop } = options;
  if (sock.destroyed) {
    const error = sock.errored ?? new Error('the other side closed it');
    return { busy: connectFailed(endpoint, error, false, options.authenticator) };
  }
  const client = new ssh2.Client();
  let hasHandshake = false;
  let isReady = false;
  let refusal: TransportError | undefined;
  let lastError: Error | undefined;
  const loss = lossOf(stop, (isPolite) => {
    if (!isPolite) return void sock.destroy();
    client.end();
    setTimeout(() => sock.destroy(), GOODBYE_MS).unref();
  });
  const { lost, drop } = loss;

  const verify = (key: Buffer, answer: (ok: boolean) => void) => {
    options.judge(key).then(
      (verdict) => {
        if (verdict.verdict === 'refused') refusal = verdict.error;
        answer(refusal === undefined);
      },
      (error: unknown) => {
        refusal = error instanceof TransportError ? error : new TransportError('host-key-unknown', String(error));
        answer(false);
      },
    );
  };

  const outcome = new Promise<Attempt<SshLink>>((resolve, reject) => {
    const fail = (error: Error) => {
      if (refusal !== undefined) return reject(refusal);
      const failure = connectFailed(endpoint, error, hasHandshake, options.authenticator);
      const isBusy = !hasHandshake && failure.failure === 'unreachable';
      if (isBusy) resolve({ busy: failure });
      else reject(failure);
    };
    client.on('handshake', () => {
      hasHandshake = true;
      options.onHandshake();
    });
    client.on('change password', () => {
      reject(
        new TransportError(
          'auth-failed',
          `The password of the login user has expired on ${endpoint.label}.`,
          'Log in there by hand and set a new one.',
        ),
      );
    });
    client.on('error', (error) => {
      // ssh2 goes on to the next key by itself.
      if (levelOf(error) === 'agent') return;
      lastError ??= error;
      if (isReady) drop(lostBecause(endpoint, error, options.keepaliveMs));
      else fail(error);
    });
    client.on('close', () => {
      fail(lastError ?? new Error('the other side closed it'));
      drop(lostBecause(endpoint, lastError, options.keepaliveMs));
    });
    client.on('ready', () => {
      isReady = true;
      resolve({ value: linkOf(client, endpoint, loss) });
    });
    client.connect(connectConfig(options, verify));
  });

  try {
    if (stop.aborted) drop(abortReason(stop));
    const attempt = await Promise.race([outcome, lost]);
    if ('busy' in attempt) sock.destroy();
    return attempt;
  } catch (error) {
    outcome.catch(() => {});
    drop(error instanceof TransportError ? error : lostBecause(endpoint, undefined, 0));
    throw error;
  }
}

function linkOf(client: Client, endpoint: Endpoint, { lost, ended, drop }: Loss): SshLink {
  /** ssh2 throws at once when it knows already that the connection is gone. */
  function call<T>(
    work: (done: (error: Error | undefined, value: T) => void) => void,
    failed: (error: Error) => TransportError,
  ) {
    const answer = new Promise<T>((resolve, reject) => {
      const known = ended();
      if (known !== undefined) return reject(known);
      try {
        work((error, value) => (error === undefined ? resolve(value) : reject(ended() ?? failed(error))));
      } catch (error) {
        reject(ended() ?? failed(error instanceof Error ? error : new Error(String(error))));
      }
    });
    return Promise.race([answer, lost]);
  }

  return {
    lost,
    drop,
    close: () => drop(new TransportError('disconnected', `The connection to ${endpoint.label} was closed.`), true),
    async exec(command) {
      const channel = await call<ClientChannel>(
        (done) => client.exec(command, done),
        (cause) =>
          new TransportError(
            'no-shell',
            `${endpoint.label} opened no session: ${cause.message}.`,
            'Its sshd may allow no commands for this user, or no more sessions (MaxSessions) on one connection.',
            { cause },
          ),
      );
      return streamsOf(channel, lost);
    },
    async forward(address, port) {
      return await call<ClientChannel>(
        (done) => client.forwardOut('127.0.0.1', 0, address, port, done),
        (cause) => {
          const isForbidden = 'reason' in cause && cause.reason === ADMINISTRATIVELY_PROHIBITED;
          return new TransportError(
            'unreachable',
            isForbidden
              ? `${endpoint.label} forbids forwarded connections.`
              : `${endpoint.label} cannot reach ${address}:${port}: ${cause.message.replace(/^\(SSH\) Channel open failure: /, '')}.`,
            isForbidden ? 'Set AllowTcpForwarding yes (or local) in its sshd_config.' : undefined,
            { cause },
          );
        },
      );
    },
  };
}

function streamsOf(channel: ClientChannel, lost: Promise<never>): ProcessStreams {
  const ended = new Promise<Exit>((resolve) => {
    channel.on('exit', (code: number | null, signal?: string) => {
      resolve({ code: code ?? undefined, signal });
    });
    // The host need not say how it ended; while the connection stands, the end of the channel is an end.
    channel.on('close', () => setImmediate(() => resolve({ code: undefined, signal: undefined })));
  });
  const exit = Promise.race([ended, lost]);
  exit.catch(() => {});
  return { stdin: channel, stdout: channel, stderr: channel.stderr, exit, kill: () => channel.close() };
}
