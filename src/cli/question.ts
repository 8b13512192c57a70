import { FarmError, problem } from '../model/diagnostic.ts';
import { Secret } from '../model/secret.ts';
import type { Terminal } from './terminal.ts';

/** Asks yes or no on stderr; Enter alone is no, and so are Ctrl-C and the signal. */
export async function confirm(message: string, signal: AbortSignal): Promise<boolean> {
  const { default: ask } = await import('@inquirer/confirm');
  try {
    return await ask({ message, default: false }, { output: process.stderr, signal });
  } catch (error) {
    if (isPromptLeft(error)) return false;
    throw error;
  }
}

/**
 * Asks for something that is not shown; undefined where the question was left with Ctrl-C.
 * @throws FarmError without a terminal, naming the option that wanted it
 */
export async function askSecret(terminal: Terminal, message: string, wantedBy: string): Promise<Secret | undefined> {
  if (!terminal.isInteractive) {
    throw new FarmError(
      problem(
        'cli/no-terminal',
        'Nobody to ask',
        `${wantedBy} asks for a secret, and there is no terminal to ask on.`,
        {
          hint: 'Put it into the inventory: `become: { password: !file PATH }` or `!env NAME`, or use a key of an ssh agent.',
        },
      ),
    );
  }
  const { default: ask } = await import('@inquirer/password');
  try {
    const answer = await ask({ message, mask: false, toggleMask: false }, { output: process.stderr });
    return new Secret(answer, `typed for ${wantedBy}`);
  } catch (error) {
    if (isPromptLeft(error)) return undefined;
    throw error;
  }
}

/** Asks what a host asks, such as a second factor; undefined where the question was left with Ctrl-C. */
export async function askHost(terminal: Terminal, message: string, isEchoed: boolean): Promise<Secret | undefined> {
  if (!isEchoed) return await askSecret(terminal, message, "a host's question");
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return new Secret(await lines.question(`${message.trimEnd()} `), "typed for a host's question");
  } catch (error) {
    if (isPromptLeft(error)) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}

const isPromptLeft = (error: unknown) =>
  error instanceof Error && ['ExitPromptError', 'AbortPromptError', 'AbortError'].includes(error.name);
