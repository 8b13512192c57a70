import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortReason, unlessAborted } from './abort.ts';
import type { Endpoint } from './endpoint.ts';
import { type Loss, lossOf } from './loss.ts';
import { type ClientSettings, forwardArguments, masterArguments, sessionArguments } from './openssh-arguments.ts';
import { type Child, startChild } from './openssh-child.ts';
import {
  clientFailed,
  clientLost,
  isKeyRefused,
  isKeyRevoked,
  isTurnedAway,
  listenToClient,
} from './openssh-failure.ts';
import { type AnswerPrompt, startAskpass } from './openssh-folder.ts';
import type { Attempt } from './pacing.ts';
import type { ProcessStreams } from './process.ts';
import type { SshLink } from './ssh-link.ts';
import type { Stage } from './ssh-socket.ts';
import { type Exit, TransportError } from './transport.ts';

/** A login by OpenSSH's own client. */
export interface OpenSshLink extends SshLink {
  /** The client's control socket: further clients go through it. */
  readonly controlPath: string;
}

/** What one login by OpenSSH's client needs. */
export interface OpenSshLogin {
  readonly endpoint: Endpoint;
  readonly configFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly pinnedFile: string | undefined;
  /** The jump host's link. */
  readonly over: OpenSshLink | undefined;
  /** A private folder, and a name in it that nobody else has. */
  readonly folder: string;
  readonly name: string;
  /** Answers ssh's questions; absent where nobody can. */
  readonly answer: AnswerPrompt | undefined;
  readonly keepaliveMs: number;
  readonly onStage: (stage: Stage) => void;
  /** Ends the link at any time; a TransportError as its reason is what is then thrown. */
  readonly stop: AbortSignal;
}

/** The host key was refused: the caller finds out why. */
export type OpenSshAttempt =
  | Attempt<OpenSshLink>
  | { readonly keyRefused: TransportError; readonly isRevoked: boolean };

const LOGGED_IN = 'farmctl-login';
const GOODBYE_MS = 500;
/** What ssh ends with where it does not know, or does not tell, how the command ended. */
const NO_STATUS = 255;

/**
 * Runs the client and ends it when our end of its input closes, as it does when this process dies, in whatever way.
 * Its stderr is held by ssh alone and so ends with it (its stdout ends with the login).
 */
const LEASH = '"$@" </dev/null & p=$!; exec >&- 2>&-; read x; kill $p 2>/dev/null; wait $p';

/** What the client is started with. */
export function clientEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', ...more };
}

/** Starts ssh on the leash. */
export function startClient(words: readonly string[], environment: NodeJS.ProcessEnv): Child {
  return startChild('sh', ['-c', LEASH, 'farmctl', 'ssh', ...words], environment);
}

/**
 * Logs in with OpenSSH's own client: one process that keeps the connection, and one for each session and forwarded
 * stream, over a control socket.
 * @throws TransportError
 */
export async function openOpenSsh(login: OpenSshLogin): Promise<OpenSshAttempt> {
  const { endpoint, stop, folder, name } = login;
  const controlPath = `${folder}/${name}`;
  const settings: ClientSettings = {
    configFile: login.configFile,
    knownHostsFile: login.knownHostsFile,
    pinnedFile: login.pinnedFile,
    controlPath,
    over: login.over?.controlPath,
    mayAsk: login.answer !== undefined,
    keepaliveMs: login.keepaliveMs,
    onLogin: `echo ${LOGGED_IN}`,
  };
  const askpass = login.answer === undefined ? undefined : await startAskpass(folder, name, login.answer);
  const client = startClient(masterArguments(endpoint, settings), clientEnvironment(askpass?.environment));
  const listener = listenToClient(login.onStage);
  client.process.stderr.setEncoding('utf8').on('data', (chunk: string) => listener.hear(chunk));

  const { lost, ended, drop } = lossOf(stop, (isPolite) => {
    askpass?.close();
    client.process.stdin.destroy();
    if (!isPolite) client.signal('SIGKILL');
    else {
      client.signal('SIGTERM');
      setTimeout(() => client.signal('SIGKILL'), GOODBYE_MS).unref();
    }
  });
  if (stop.aborted) drop(abortReason(stop));

  const loggedIn = new Promise<boolean>((resolve) => {
    let printed = '';
    client.process.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed = (printed + chunk).slice(-4096);
      if (printed.includes(LOGGED_IN)) resolve(true);
    });
    client.process.stderr.once('close', () => resolve(false));
  });

  if (await Promise.race([loggedIn, lost])) {
    client.process.stderr.once('close', () => drop(clientLost(endpoint, listener.words(), login.keepaliveMs)));
    return { value: linkOf(endpoint, controlPath, { lost, ended, drop }) };
  }
  const error = ended();
  if (error !== undefined) throw error;
  const words = listener.words();
  const failure = clientFailed(endpoint, words);
  drop(failure);
  if (isKeyRefused(words)) return { keyRefused: failure, isRevoked: isKeyRevoked(words) };
  if (isTurnedAway(words) || /nothing listens/.test(failure.message)) return { busy: failure };
  throw failure;
}

function linkOf(endpoint: Endpoint, controlPath: string, { lost, ended, drop }: Loss): OpenSshLink {
  return {
    controlPath,
    lost,
    drop,
    close: () => drop(new TransportError('disconnected', `The connection to ${endpoint.label} was closed.`), true),
    async exec(command) {
      const known = ended();
      if (known !== undefined) throw known;
      return streamsOf(startChild('ssh', sessionArguments(controlPath, command), clientEnvironment()), lost);
    },
    async forward(address, port) {
      const known = ended();
      if (known !== undefined) throw known;
      const child = startChild('ssh', forwardArguments(controlPath, address, port), clientEnvironment());
      lost.catch(() => child.signal('SIGKILL'));
      if (await Promise.race([isForwarding(child), lost])) return streamOf(child);
      child.signal('SIGKILL');
      throw new TransportError(
        'unreachable',
        `${endpoint.label} cannot reach ${address}:${port}, or forbids forwarded connections.`,
        'See that something listens there, and that AllowTcpForwarding is yes (or local) in its sshd_config.',
      );
    },
  };
}

function streamsOf(child: Child, lost: Promise<never>): ProcessStreams {
  const kill = () => child.signal('SIGTERM');
  lost.catch(() => child.signal('SIGKILL'));
  const ended = child.ended.then(async (exit): Promise<Exit> => {
    if (exit.code !== NO_STATUS && exit.signal === undefined) return exit;
    // Either the connection went, of which the other client tells at once, or a signal ended the command: ssh keeps
    // that to itself.
    await Promise.race([lost, sleep(GOODBYE_MS)]);
    return { code: undefined, signal: undefined };
  });
  const exit = Promise.race([ended, lost]);
  exit.catch(() => {});
  const { stdin, stdout, stderr } = child.process;
  return { stdin, stdout, stderr, exit, kill };
}

/** A client that says nothing of success in words that are known here is taken to have it after so long. */
const FORWARD_MS = 5000;

/** True once the far end is connected; false where the client ended instead. */
async function isForwarding(child: Child): Promise<boolean> {
  const { stdout, stderr } = child.process;
  const patience = new AbortController();
  let heard = '';
  const opened = new Promise<true>((resolve) => {
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      heard = (heard + chunk).slice(-4096);
      if (heard.includes('master session id')) resolve(true);
    });
    stdout.once('readable', () => {
      if (stdout.readableLength > 0) resolve(true);
    });
  });
  try {
    return await Promise.race([
      opened,
      child.ended.then(() => false),
      sleep(FORWARD_MS, true, { signal: patience.signal }),
    ]);
  } finally {
    patience.abort();
  }
}

function streamOf(child: Child): Duplex {
  const { stdin, stdout } = child.process;
  const stream = Duplex.from({ writable: stdin, readable: stdout });
  stream.once('close', () => child.signal('SIGKILL'));
  return stream;
}

/** Waits for the client unless the signal comes first. */
export async function clientEnd(client: Child, signal: AbortSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => void client.process.stderr.once('close', () => resolve()));
  client.process.stdout.resume();
  client.process.stderr.resume();
  try {
    await unlessAborted(closed, signal, () => {});
  } finally {
    client.process.stdin.destroy();
    client.signal('SIGKILL');
  }
}
