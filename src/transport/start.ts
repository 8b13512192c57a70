import { randomHex } from '../lib/digest.ts';
import { maskText } from '../model/secret.ts';
import { READY } from '../remote/loader.ts';
import {
  type Become,
  becomeCommand,
  becomeRefused,
  becomeTimedOut,
  passwordMissing,
  passwordWrong,
  sudoPrompt,
} from './become.ts';
import { type ChunkReader, channelOf, chunkReader, describeExit, type ProcessStreams, stderrTail } from './process.ts';
import { type Channel, TransportError } from './transport.ts';

/** The most that a login shell may print before the ready line. */
const MAX_NOISE_BYTES = 65_536;

/** How to start the shell on one host. */
export interface StartOptions {
  /** The host as messages name it. */
  readonly label: string;
  readonly become: Become | undefined;
  /** From the start of the command to the ready line. */
  readonly deadlineMs: number;
}

/** Reads up to and with the ready line, and hands all that came before to `onNoise`. False: the output ended first. */
async function readReadyLine(reader: ChunkReader, onNoise: (text: string) => void): Promise<boolean | 'noise'> {
  const line = Buffer.from(`${READY}\n`);
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = await reader.next();
    if (chunk === undefined) return false;
    seen = Buffer.concat([seen, chunk]);
    const at = seen.indexOf(line);
    if (at !== -1) {
      reader.unread(seen.subarray(at + line.length));
      return true;
    }
    if (seen.length > MAX_NOISE_BYTES + line.length) return 'noise';
    onNoise(seen.toString('utf8'));
  }
}

/**
 * Runs the command, under sudo where the host wants it, and waits for its ready line. The password is sent once, and
 * only after sudo's own prompt was seen.
 * @param spawn starts the given command line and returns its streams
 * @throws TransportError `become-failed`, `no-shell`, `timeout`, or what the connection failed with
 */
export async function startShell(
  command: string,
  { label, become, deadlineMs }: StartOptions,
  spawn: (command: string) => Promise<ProcessStreams>,
): Promise<Channel> {
  const prompt = sudoPrompt(randomHex(12));
  let refuse: (error: TransportError) => void = () => {};
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  // It may come before anybody waits for it.
  refused.catch(() => {});
  let noise = '';
  let errors = '';
  const printed = () => maskText(`${noise}\n${errors}`.replaceAll(prompt, '').trim()).slice(-2000);
  const timer = setTimeout(() => {
    refuse(
      become === undefined
        ? new TransportError(
            'timeout',
            `The login shell on ${label} did not start a command within ${deadlineMs / 1000} s${printed() === '' ? '.' : `; it printed: ${printed()}`}`,
            'Its start-up files may wait for something: log in by hand and see.',
          )
        : becomeTimedOut(label, become, deadlineMs, printed()),
    );
  }, deadlineMs);
  let streams: ProcessStreams | undefined;
  let isOver = false;
  try {
    const spawned = spawn(become === undefined ? command : becomeCommand(command, become.user, prompt));
    // When the deadline wins, a process that starts afterwards must not stay.
    spawned.then((late) => isOver && late.kill()).catch(() => {});
    streams = await Promise.race([spawned, refused]);
    const { stdin, stderr, exit } = streams;
    exit.catch(() => {});
    const reader = chunkReader(streams.stdout, exit);

    let isAnswered = false;
    const watch = () => {
      if (become === undefined) return;
      const asked = `${noise}\n${errors}`.split(prompt).length - 1;
      if (asked === 0) return;
      if (become.password === undefined) refuse(passwordMissing(label, become));
      else if (asked > 1) refuse(passwordWrong(label, become));
      else if (!isAnswered) {
        isAnswered = true;
        stdin.write(`${become.password.reveal().replace(/\r?\n$/, '')}\n`);
      }
    };
    const tail = stderrTail(stderr, (text) => {
      errors = text;
      watch();
    });
    // A broken pipe here is told by `exit`; later the channel listens itself.
    stdin.on('error', () => {});
    const isReady = await Promise.race([
      readReadyLine(reader, (text) => {
        noise = text;
        watch();
      }),
      refused,
    ]);
    if (isReady === true) return channelOf(streams, reader, tail, label);
    if (isReady === 'noise') {
      throw new TransportError(
        'no-shell',
        `The login shell on ${label} printed more than ${MAX_NOISE_BYTES / 1024} KiB before it ran a command.`,
        'Make its start-up files silent for shells that are not interactive.',
      );
    }
    const how = describeExit(await exit);
    if (become !== undefined) throw becomeRefused(label, become, how, printed());
    throw new TransportError(
      'no-shell',
      `The login on ${label} ended with ${how} before a shell answered${printed() === '' ? '.' : `; it printed: ${printed()}`}`,
      'The login user needs a shell there: not nologin, no forced command, and sh on the PATH.',
    );
  } catch (error) {
    isOver = true;
    streams?.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
