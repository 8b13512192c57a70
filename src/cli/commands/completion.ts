import { EXIT, type ExitCode } from '../exit-code.ts';

/** `farmctl completion SHELL`: the script asks `farmctl complete -- WORDS` at each press of the key. */
export async function completion(shell: string): Promise<ExitCode> {
  const { script } = await import('@bomb.sh/tab');
  // The library prints by itself.
  script(shell, 'farmctl', 'farmctl');
  return EXIT.done;
}
