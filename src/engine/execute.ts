import { semaphore } from '../lib/semaphore.ts';
import { boundedScript } from '../remote/overlay.ts';
import { Script } from '../remote/sh.ts';
import type { HostResult } from './events.ts';
import { hostFailure } from './failure.ts';
import { fail, newHostRun, openHost, resultOf } from './host-run.ts';
import type { RunOptions } from './run.ts';

/** How a command ended on one host. `code` is undefined where the host failed: see `result`. */
export interface ExecuteResult {
  readonly host: string;
  readonly code: number | undefined;
  readonly result: HostResult;
}

/** Takes what a command prints, as it comes; both of its outputs in one. */
export type OutputListener = (host: string, bytes: Uint8Array) => void;

/** The most seconds that a command may run. */
const COMMAND_SECONDS = 3600;

/** Runs a command line, as the user wrote it, in a shell on each selected host; its output is streamed. */
export async function execute(
  options: RunOptions,
  command: string,
  onOutput: OutputListener,
): Promise<readonly ExecuteResult[]> {
  const forks = semaphore(options.forks);
  options.report({ kind: 'run-started', hosts: options.hosts });
  return Promise.all(
    options.hosts.map((name) =>
      forks.use(async (): Promise<ExecuteResult> => {
        const host = options.farm.hosts.get(name);
        if (host === undefined) throw new Error(`${name} is not in the farm`);
        const run = newHostRun(host);
        const failed = () => ({ host: name, code: undefined, result: resultOf(run, false) });
        if (!(await openHost(run, options)) || run.session === undefined) return failed();
        const { session } = run;
        try {
          const marker = `${session.nonce}e`;
          const startedAt = performance.now();
          const answer = await session.exchange(streamed(command, marker), [], {
            deadlineMs: (COMMAND_SECONDS + 60) * 1000,
            totalMs: (COMMAND_SECONDS + 60) * 1000,
            isStreamed: true,
            doing: 'running the command',
            onFrame: ({ words, payload }) => {
              if (words[0] === 'output' && payload.byteLength > 0) onOutput(name, payload);
            },
          });
          run.timings.applyMs = performance.now() - startedAt;
          return { host: name, code: answer.status, result: resultOf(run, false) };
        } catch (error) {
          fail(run, hostFailure(error, name, true), options);
          return failed();
        } finally {
          session.close();
        }
      }),
    ),
  );
}

/**
 * The command with both outputs in one pipe, a frame a line (the last one may lack its newline). The line's reader is
 * the shell's own, which cannot hold NUL bytes: they are dropped before.
 */
function streamed(command: string, marker: string): Script {
  return new Script(`status=$( {
  {
${boundedScript(new Script(command), COMMAND_SECONDS, marker).text} 2>&1 3>&-
    echo $? >&5
  } 5>&6 | tr -d '\\000' | {
    while IFS= read -r line; do frame output; printf '%s\\n' "$line" >&3; frame .; done
    [ -z "$line" ] || { frame output; printf '%s' "$line" >&3; frame .; }
  }
} 6>&1 )
exit "\${status:-1}"`);
}
