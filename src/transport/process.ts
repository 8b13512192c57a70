import type { Readable, Writable } from 'node:stream';
import { type Channel, type Exit, TransportError } from './transport.ts';

/** The raw streams of one process, as a transport gives them. */
export interface ProcessStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects with TransportError when the connection is lost. */
  readonly exit: Promise<Exit>;
  /** Ends the process, or at least our side of it, at once. */
  kill(): void;
}

/** Pulls chunks from a stream at the reader's pace; what was read too far can be given back. */
export interface ChunkReader {
  /** The next chunk; undefined at the end, which waits for the process's own end. */
  next(): Promise<Uint8Array | undefined>;
  unread(chunk: Uint8Array): void;
}

const STDERR_TAIL_BYTES = 8192;

/** `exit status 3`, `SIGKILL`: how a process ended, for a sentence. */
export function describeExit(exit: Exit): string {
  if (exit.signal !== undefined) return exit.signal;
  return exit.code === undefined ? 'no exit status' : `exit status ${exit.code}`;
}

/** Reads stdout; throws what `exit` rejects with, so that a lost connection is never taken for an end. */
export function chunkReader(stdout: Readable, exit: Promise<Exit>): ChunkReader {
  let pending: Uint8Array | undefined;
  let isEnded = false;
  let failure: unknown;
  let wake: () => void = () => {};
  const end = () => {
    isEnded = true;
    wake();
  };
  stdout.on('readable', () => wake());
  stdout.on('end', end);
  stdout.on('close', end);
  stdout.on('error', end);
  exit.catch((error: unknown) => {
    failure = error;
    wake();
  });
  return {
    unread(chunk) {
      if (chunk.byteLength > 0) pending = chunk;
    },
    async next() {
      for (;;) {
        if (pending !== undefined) {
          const chunk = pending;
          pending = undefined;
          return chunk;
        }
        const chunk: unknown = stdout.read();
        if (chunk instanceof Uint8Array) return chunk;
        if (failure !== undefined) throw failure;
        if (isEnded) {
          await exit;
          return undefined;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** Keeps the end of what a stream prints, and tells of each piece as it comes. */
export function stderrTail(stderr: Readable, onText: (tail: string) => void): () => string {
  let tail = Buffer.alloc(0);
  stderr.on('data', (chunk: Uint8Array) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > STDERR_TAIL_BYTES) tail = tail.subarray(tail.length - STDERR_TAIL_BYTES);
    onText(tail.toString('utf8'));
  });
  stderr.on('error', () => onText(tail.toString('utf8')));
  return () => tail.toString('utf8');
}

/** The channel over streams whose ready line was read already. */
export function channelOf(streams: ProcessStreams, reader: ChunkReader, tail: () => string, label: string): Channel {
  const { stdin, exit } = streams;
  let ended: unknown;
  const waiting = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of waiting) wake();
    waiting.clear();
  };
  // Either way the process reads no more: whoever waits for its input to drain must hear of it.
  const over = (error: unknown) => {
    ended ??= error;
    wakeAll();
  };
  const unread = (how: string, cause?: unknown) =>
    new TransportError('disconnected', `The shell on ${label} ended${how} before it read its input.`, undefined, {
      cause,
    });
  exit.then((how) => over(unread(` (${describeExit(how)})`)), over);
  stdin.on('error', (cause) => over(unread('', cause)));
  stdin.on('drain', wakeAll);
  return {
    async write(bytes) {
      if (ended !== undefined) throw ended;
      if (stdin.writableEnded)
        throw new TransportError('disconnected', `The input of the shell on ${label} is closed.`);
      if (stdin.write(bytes)) return;
      await new Promise<void>((resolve) => waiting.add(resolve));
      if (ended !== undefined) throw ended;
    },
    end() {
      stdin.end();
    },
    output: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const chunk = await reader.next();
          if (chunk === undefined) return;
          yield chunk;
        }
      },
    },
    stderrTail: tail,
    exit,
  };
}
