import { randomHex } from '../lib/digest.ts';
import { type Content, piecesOfBytes } from '../model/content.ts';
import { type Frame, FrameError, frameReader } from '../remote/frame.ts';
import { LOADER } from '../remote/loader.ts';
import { runtime } from '../remote/runtime.ts';
import { joinScripts, type Script, sh } from '../remote/sh.ts';
import { type Channel, type Connection, TransportError } from '../transport/transport.ts';

/** The most that one field of an answer may hold: an old text to be compared is at most 1 MiB. */
const PAYLOAD_LIMIT_BYTES = 8 * 1024 * 1024;

/** The most that one whole answer may hold. */
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** Counted for a frame besides what it carries. */
const FRAME_BYTES = 200;

/** A host that says something all the time is given up after so many times its deadline. */
const MOST_DEADLINES = 10;

/** One request's answer. */
export interface Answer {
  readonly frames: readonly Frame[];
  /** Exit status of the script. */
  readonly status: number;
}

export interface ExchangeOptions {
  /**
   * After so many milliseconds without a frame the host is given up and the connection closed. A function is asked anew
   * after each frame.
   */
  readonly deadlineMs: number | (() => number);
  /** The same for the whole exchange, however much the host says; absent: ten times the deadline. */
  readonly totalMs?: number;
  /** What is under way, for the message: `probing`, `installing packages`. */
  readonly doing: string | (() => string);
  /** Called for each frame as soon as it is complete. */
  readonly onFrame?: (frame: Frame) => void;
  /** The frames are for `onFrame` alone: the answer has none, and there may be any number of them. */
  readonly isStreamed?: boolean;
}

/** A running remote shell that answers requests, one at a time. */
export interface Session {
  readonly nonce: string;
  /** @throws TransportError if the connection ends, the deadline passes, or what comes back is not farmctl's. */
  exchange(script: Script, contents: readonly Content[], options: ExchangeOptions): Promise<Answer>;
  /**
   * Goes on in a shell inside a command (a lock, a namespace) until `leave`. The command is given the words that start
   * the inner shell. Resolves with undefined once that shell answers, or with the command's answer where it did not
   * start it.
   */
  enter(command: (shell: Script) => Script, variables: Script, options: ExchangeOptions): Promise<Answer | undefined>;
  leave(options: ExchangeOptions): Promise<Answer>;
  /** A word to the script of the exchange under way, which reads lines. */
  say(word: string): Promise<void>;
  close(): void;
}

/** Opens the one channel of a host; the first exchange starts the runtime. */
export async function openSession(connection: Connection): Promise<Session> {
  const channel = await connection.start(LOADER);
  const nonce = randomHex(16);
  const reader = frameReader(nonce, PAYLOAD_LIMIT_BYTES);
  const queue: Frame[] = [];
  const output = channel.output[Symbol.asyncIterator]();
  let broken: TransportError | undefined;
  let restartTimer = (): void => undefined;

  async function nextFrame(): Promise<Frame> {
    for (;;) {
      const frame = queue.shift();
      if (frame !== undefined) return frame;
      const chunk = await output.next();
      if (chunk.done === true) throw await ended(channel);
      queue.push(...reader.push(chunk.value));
    }
  }

  async function until(
    kind: readonly string[],
    { onFrame, isStreamed }: Pick<ExchangeOptions, 'onFrame' | 'isStreamed'> = {},
  ): Promise<{ frames: Frame[]; last: Frame }> {
    const frames: Frame[] = [];
    let bytes = 0;
    for (;;) {
      const frame = await nextFrame();
      const word = frame.words[0] ?? '';
      if (kind.includes(word)) return { frames, last: frame };
      if (word === 'fatal')
        throw new TransportError('cannot-write', `the host says: ${frame.words.slice(1).join(' ')}`);
      if (word === 'unfit')
        throw new TransportError(
          'no-shell',
          `${frame.words[1]} on the host reads more than it is told, as busybox's does`,
          'farmctl needs the coreutils: take what stands before them in /usr/local off the host.',
        );
      if (word === 'hello') isServing = true;
      if (word === '.' || word === 'hello') continue;
      if (isStreamed !== true) {
        frames.push(frame);
        bytes += frame.payload.byteLength + FRAME_BYTES;
        if (bytes > ANSWER_LIMIT_BYTES) throw new FrameError(`an answer of more than ${ANSWER_LIMIT_BYTES} bytes`);
      }
      onFrame?.(frame);
      restartTimer();
    }
  }

  async function bounded<T>(options: ExchangeOptions, work: () => Promise<T>): Promise<T> {
    if (broken !== undefined) throw broken;
    const deadline = (): number => (typeof options.deadlineMs === 'number' ? options.deadlineMs : options.deadlineMs());
    const totalMs = options.totalMs ?? MOST_DEADLINES * deadline();
    let timer: NodeJS.Timeout | undefined;
    let total: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const giveUp = (what: string): void => {
        reject(
          new TransportError(
            'timeout',
            `${what} while ${doingOf(options)}; the host was given up`,
            'Look at the host itself: a hung mount or a stuck process holds it. Then run the same command again.',
          ),
        );
        connection.close();
      };
      total = setTimeout(() => giveUp(`no end within ${totalMs / 1000} s`), totalMs);
      restartTimer = () => {
        clearTimeout(timer);
        const ms = deadline();
        timer = setTimeout(() => giveUp(`no answer within ${ms / 1000} s`), ms);
      };
      restartTimer();
    });
    try {
      const running = work();
      running.catch(() => undefined);
      return await Promise.race([running, late]);
    } catch (error) {
      broken = asTransportError(error, doingOf(options));
      connection.close();
      throw broken;
    } finally {
      restartTimer = () => undefined;
      clearTimeout(timer);
      clearTimeout(total);
    }
  }

  let sending: Promise<void> = Promise.resolve();
  /** The runtime of a shell that waits for one. It goes together with the first request: that spares the host a process. */
  let starting: ((first: Script | undefined) => Script) | undefined = (first) => runtime(nonce, first);
  /** The runtime of the shell that is talked to has said that it is there. */
  let isServing = false;

  function send(script: Script, contents: readonly Content[]): Promise<void> {
    const sent = sending.then(() => sendNow(script, contents));
    sending = sent.catch(() => undefined);
    return sent;
  }

  async function sendNow(script: Script, contents: readonly Content[]): Promise<void> {
    const start = starting;
    starting = undefined;
    if (start !== undefined && contents.length === 0) return sendNow(start(script), []);
    if (start !== undefined) await sendNow(start(undefined), []);
    // The mark at the end: a shell that reads a text into a variable drops the newlines behind it.
    const marked = `${script.text}\n#`;
    const head = [Buffer.byteLength(marked), ...contents.map(({ size = 0 }) => size)].join(' ');
    await sendPieces(piecesOfBytes(Buffer.from(`${head}\n${marked}`)));
    for (const content of contents) await sendPieces(content.pieces(), content.size);
  }

  /** A slow line is no hung host: each piece that it takes is a sign of life. */
  async function sendPieces(pieces: Iterable<Uint8Array>, size?: number): Promise<void> {
    let sent = 0;
    for (const piece of pieces) {
      sent += piece.byteLength;
      if (size !== undefined && sent > size) break;
      await channel.write(piece);
      restartTimer();
    }
    if (size !== undefined && sent !== size)
      throw new TransportError('disconnected', 'a content was another one when it was sent than when it was planned');
  }

  const session: Session = {
    nonce,
    exchange: (script, contents, options) =>
      bounded(options, async () => {
        const [answer] = await Promise.all([until(['exit'], options), send(script, contents)]);
        // It is the shell around it that answers: the request did not run where it was meant to.
        if (!isServing) throw new TransportError('disconnected', 'the remote shell could not read the request');
        return { frames: answer.frames, status: Number(answer.last.words[1] ?? 1) };
      }),
    enter: (command, variables, options) =>
      bounded(options, async () => {
        const started = `inner-${randomHex(8)}`;
        const sign = `\n@${nonce} ${started}\n\n@${nonce} .\n`;
        // Not as `$0`: that stands before each of the shell's own errors.
        const shell = sh`sh -c ${'printf %s "$1"; IFS=; set -f; read n; eval $(head -c $n)'} sh ${sign} >&3`;
        await send(command(shell), []);
        const answer = await until([started, 'exit'], options);
        if (answer.last.words[0] === 'exit')
          return { frames: answer.frames, status: Number(answer.last.words[1] ?? 1) };
        starting = (first) => joinScripts([variables, runtime(nonce, first)]);
        isServing = false;
        return undefined;
      }),
    leave: (options) =>
      bounded(options, async () => {
        starting = undefined;
        isServing = true;
        await channel.write('0\n');
        const answer = await until(['exit']);
        return { frames: answer.frames, status: Number(answer.last.words[1] ?? 1) };
      }),
    say: (word) => {
      // After the script and its bodies, which are sent in pieces.
      const said = sending.then(() => channel.write(`${word}\n`));
      sending = said.catch(() => undefined);
      return said;
    },
    close: () => connection.close(),
  };
  return session;
}

async function ended(channel: Channel): Promise<TransportError> {
  const { code, signal } = await channel.exit;
  const how = signal !== undefined ? `was ended by ${signal}` : `ended with status ${code ?? 'unknown'}`;
  const stderr = channel.stderrTail().trim();
  const said = stderr === '' ? '' : ` It said: ${stderr.slice(-500)}`;
  return new TransportError('disconnected', `the remote shell ${how} in the middle of a request.${said}`);
}

function doingOf({ doing }: ExchangeOptions): string {
  return typeof doing === 'string' ? doing : doing();
}

function asTransportError(error: unknown, doing: string): TransportError {
  if (error instanceof TransportError) {
    // It says so itself.
    if (error.failure === 'timeout') return error;
    return new TransportError(error.failure, `while ${doing}: ${error.message}`, error.hint, {
      cause: error,
      hostKey: error.hostKey,
    });
  }
  if (error instanceof FrameError) return new TransportError('disconnected', `while ${doing}: ${error.message}`);
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError('disconnected', `while ${doing}: ${message}`, undefined, { cause: error });
}
