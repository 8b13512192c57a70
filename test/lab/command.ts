import { type ChildProcess, spawn } from 'node:child_process';
import { FarmError, problem } from '../../src/model/diagnostic.ts';

/** How a command ended, and what it printed. */
export interface CommandResult {
  readonly argv: readonly string[];
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

export interface CommandOptions {
  /** Standard input; empty where absent. */
  readonly input?: string | Uint8Array;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** After that its process group gets SIGKILL. Default 120,000. */
  readonly timeoutMs?: number;
}

/** A command under way. */
export interface RunningCommand {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** To the whole process group; nothing happens once it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves however it ends. Rejects only where it could not be started. */
  readonly result: Promise<CommandResult>;
}

/** Starts a command in a process group of its own. */
export function startCommand(argv: readonly string[], options: CommandOptions = {}): RunningCommand {
  const [program = '', ...rest] = argv;
  const started = performance.now();
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A command that ends without reading its input is no failure of ours.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
  let ended = false;
  let timedOut = false;
  const kill = (signal: NodeJS.Signals) => {
    if (ended || child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  };
  const result = new Promise<CommandResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      timedOut = true;
      kill('SIGKILL');
    }, options.timeoutMs ?? 120_000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      ended = true;
      clearTimeout(timer);
      resolve({
        argv,
        exitCode: code ?? undefined,
        signal: signal ?? undefined,
        stdout: text(out),
        stderr: text(err),
        timedOut,
        durationMs: performance.now() - started,
      });
    });
  });
  return { process: child, stdout: () => text(out), stderr: () => text(err), kill, result };
}

/** Runs a command to its end, whatever its exit status. */
export function command(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return startCommand(argv, options).result;
}

/**
 * Runs a command that has to succeed.
 * @returns its standard output
 * @throws FarmError lab/command-failed, with the end of what it printed
 */
export async function must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await command(argv, options);
  if (result.exitCode === 0) return result.stdout;
  const how = result.timedOut
    ? `did not end within ${(options.timeoutMs ?? 120_000) / 1000} s`
    : result.exitCode === undefined
      ? `was killed by ${result.signal}`
      : `failed with exit status ${result.exitCode}`;
  const printed = `${result.stdout}${result.stderr}`.trimEnd().split('\n').slice(-20).join('\n');
  throw new FarmError(
    problem('lab/command-failed', 'A command of the lab failed', `"${argv.join(' ').slice(0, 400)}" ${how}.`, {
      output: printed,
    }),
  );
}

/** True where the error is the system's, with that code. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Runs `task` on all, at most `limit` at a time; all are finished before the first failure is thrown. */
export async function eachLimited<T>(all: readonly T[], limit: number, task: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await task(next);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
