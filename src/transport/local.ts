import { spawn } from 'node:child_process';
import { connect as connectSocket } from 'node:net';
import { userInfo } from 'node:os';
import type { Duplex } from 'node:stream';
import type { BecomeSettings } from '../model/farm.ts';
import { abortReason } from './abort.ts';
import { becomeOf } from './become.ts';
import { errorCode } from './error-code.ts';
import { lossOf } from './loss.ts';
import type { ProcessStreams } from './process.ts';
import { startShell } from './start.ts';
import { type Connection, type Exit, type Transport, TransportError } from './transport.ts';

/** This machine instead of a host over ssh. */
export interface LocalOptions {
  readonly become?: BecomeSettings;
  /** Milliseconds from a start to its ready line; 10,000 where absent. */
  readonly startDeadlineMs?: number;
}

const LABEL = 'this machine';

/** What a login over ssh would have of it; the rest of the controller's environment is nobody's business. */
function environment(): NodeJS.ProcessEnv {
  const { PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME, USER, LOGNAME } = process.env;
  return { PATH, ...(HOME && { HOME }), ...(USER && { USER }), ...(LOGNAME && { LOGNAME }) };
}

/** Sends SIGHUP to the session. One that is gone, or that sudo made root's, notices the end of its input instead. */
function hangUp(leader: number): void {
  try {
    process.kill(-leader, 'SIGHUP');
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

/** Starts `sh -c command` in a session of its own; `lost` rejects when the connection is closed or aborted. */
function spawnShell(command: string, lost: Promise<never>, onEnd: (kill: () => void) => void): Promise<ProcessStreams> {
  const child = spawn('sh', ['-c', command], { detached: true, env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
  let hasExited = false;
  const kill = () => {
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
    // As when a connection drops: the whole session is told to hang up. A transaction ignores that and ends by itself.
    if (!hasExited && child.pid !== undefined) hangUp(child.pid);
  };
  const ended = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      hasExited = true;
      onEnd(kill);
      resolve({ code: code ?? undefined, signal: signal ?? undefined });
    });
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new TransportError('no-shell', `No shell could be started on ${LABEL}: ${cause.message}`, undefined, { cause }),
      );
    });
    child.once('spawn', () => {
      const exit = Promise.race([ended, lost]);
      exit.catch(() => {});
      resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit, kill });
    });
  });
}

function connectTo(address: string, port: number, opened: Set<() => void>): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: address, port, noDelay: true });
    const drop = () => socket.destroy();
    opened.add(drop);
    socket.once('close', () => opened.delete(drop));
    const refuse = (cause: Error) => {
      reject(
        new TransportError('unreachable', `${LABEL} cannot reach ${address}:${port}: ${cause.message}`, undefined, {
          cause,
        }),
      );
    };
    socket.once('error', refuse);
    socket.once('connect', () => {
      socket.off('error', refuse);
      resolve(socket);
    });
  });
}

/** A transport whose every host is this machine. */
export function localTransport(options: LocalOptions = {}): Transport {
  return {
    async connect(_host, signal) {
      if (signal.aborted) throw abortReason(signal);
      const opened = new Set<() => void>();
      const { lost, ended, drop } = lossOf(signal, () => {
        for (const close of opened) close();
        opened.clear();
      });
      const throwIfClosed = () => {
        const error = ended();
        if (error !== undefined) throw error;
      };
      const connection: Connection = {
        async start(command) {
          throwIfClosed();
          const become = becomeOf(options.become ?? {}, userInfo().username);
          const deadlineMs = options.startDeadlineMs ?? 10_000;
          return startShell(command, { label: LABEL, become, deadlineMs }, async (line) => {
            const streams = await spawnShell(line, lost, (kill) => opened.delete(kill));
            opened.add(streams.kill);
            return streams;
          });
        },
        async forward(address, port) {
          throwIfClosed();
          return connectTo(address, port, opened);
        },
        close() {
          drop(new TransportError('disconnected', `The connection to ${LABEL} was closed.`));
        },
      };
      return connection;
    },
  };
}
