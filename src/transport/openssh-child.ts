import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { errorCode } from './error-code.ts';
import type { Exit } from './transport.ts';

/** A process in a session of its own: Ctrl-C on the terminal does not reach it, and it can ask nothing there. */
export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Once it ended; a program that could not be started ends with status 127. */
  readonly ended: Promise<Exit>;
  /** Signals it and everything that it started. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

export function startChild(command: string, words: readonly string[], environment: NodeJS.ProcessEnv): Child {
  const child = spawn(command, words, { detached: true, env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  // A broken pipe is told by the end of the process.
  child.stdin.on('error', () => {});
  let isOver = false;
  const ended = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      resolve({ code: code ?? undefined, signal: signal ?? undefined });
    });
    child.once('error', () => {
      isOver = true;
      resolve({ code: 127, signal: undefined });
    });
  });
  return {
    process: child,
    ended,
    signal(name) {
      if (isOver || child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch (error) {
        if (errorCode(error) !== 'ESRCH') throw error;
      }
    },
  };
}
