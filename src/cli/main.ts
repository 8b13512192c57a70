import { CommanderError } from '@commander-js/extra-typings';
import { FarmError, problem } from '../model/diagnostic.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { createProgram } from './program.ts';
import { showDiagnostics } from './show-diagnostics.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs one command line.
 * @returns what the process ends with
 */
export async function main(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  try {
    if (words[0] === 'complete' && words[1] === '--') {
      const { complete } = await import('./complete.ts');
      await complete(words.slice(2), terminal);
      return code;
    }
    const program = createProgram(terminal, async (command) => {
      code = await command();
    });
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    // Help and version end this way too, with 0; commander has already printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof FarmError) await showDiagnostics(error.diagnostics, terminal);
    else await showDiagnostics([bug(error)], terminal);
    return EXIT.usage;
  }
}

function bug(error: unknown) {
  const reason = error instanceof Error ? error : new Error(String(error));
  return problem('internal/unexpected', 'Internal error', `${reason.message} This is a bug in farmctl.`, {
    hint: 'Report it with what follows; look first whether it holds anything that others may not see.',
    ...(reason.stack === undefined ? {} : { output: reason.stack }),
  });
}
