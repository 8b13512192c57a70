import { maskText } from '../model/secret.ts';
import { createStyle, type Style, wantsColour } from '../report/style.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a command reads from and writes to. Everything written is masked once more, as a last line of defence. */
export interface Terminal {
  /** The result: stdout. */
  out(text: string): void;
  /** Progress, warnings, errors: stderr. */
  err(text: string): void;
  readonly outStyle: Style;
  readonly errStyle: Style;
  /** True if a question may be asked: stdin and stderr are a terminal, and this is not CI. */
  readonly isInteractive: boolean;
  /** True if the cursor may be moved on stderr. */
  readonly isLive: boolean;
  readonly environment: Environment;
  readonly directory: string;
  /** Texts that were read, by the name that places in them have: for code frames. */
  readonly sources: Map<string, string>;
  /** All of stdin as text. */
  readInput(): Promise<string>;
}

/** True if a CI system says so. */
function isCi(environment: Environment): boolean {
  const value = environment['CI'];
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env: environment } = process;
  const mayMove = !isCi(environment) && environment['TERM'] !== 'dumb';
  return {
    out: writer(stdout),
    err: writer(stderr),
    outStyle: createStyle(wantsColour(stdout.isTTY && !isCi(environment), environment)),
    errStyle: createStyle(wantsColour(stderr.isTTY && !isCi(environment), environment)),
    isInteractive: stdin.isTTY && stderr.isTTY && mayMove,
    isLive: stderr.isTTY && mayMove,
    environment,
    directory: process.cwd(),
    sources: new Map(),
    async readInput() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** A reader that went away (`farmctl plan | head`) must not stop a run half-way: the rest is thrown away. */
function writer(stream: NodeJS.WriteStream): (text: string) => void {
  let isGone = false;
  stream.on('error', () => {
    isGone = true;
  });
  return (text) => {
    if (!isGone) stream.write(maskText(text));
  };
}
