import { type ExecuteResult, execute } from '../../engine/execute.ts';
import { quote } from '../../remote/sh.ts';
import { hostList, renderHostNames } from '../../report/host-list.ts';
import { toJson } from '../../report/json.ts';
import { prefixedLines } from '../../report/prefixed-lines.ts';
import { codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { openFarmRun } from '../farm-run.ts';
import type { HostFlags } from '../options.ts';
import { showResults } from '../show-diagnostics.ts';
import { showTimings } from '../show-timings.ts';
import type { Terminal } from '../terminal.ts';

/** What of one host's output is kept for `--json`; the rest is dropped, from the front. */
const KEPT_OUTPUT_BYTES = 1024 * 1024;

/** `farmctl exec` */
export async function exec(words: readonly string[], flags: HostFlags, terminal: Terminal): Promise<ExitCode> {
  await using work = await openFarmRun(flags, terminal, { mayMove: false });
  if (flags.listHosts) {
    terminal.out(renderHostNames(work.hosts));
    return EXIT.done;
  }
  const width = Math.max(...work.hosts.map((host) => host.length));
  const prefix = (host: string) => terminal.outStyle.dim(`${host.padEnd(width)} | `);
  const lines = prefixedLines(prefix, terminal.out);
  const kept = new Map<string, Buffer>();
  const results = await execute(await work.options(), commandLine(words), (host, bytes) => {
    if (!flags.json) lines.push(host, bytes);
    else kept.set(host, Buffer.concat([kept.get(host) ?? Buffer.alloc(0), bytes]).subarray(-KEPT_OUTPUT_BYTES));
  });
  lines.end();
  await work.stopProgress();
  if (flags.json) terminal.out(execJson(results, kept));
  else summarise(results, terminal);
  await showResults(
    results.map(({ result }) => result),
    flags,
    terminal,
  );
  if (flags.timings)
    showTimings(
      results.map(({ result }) => result),
      terminal,
    );
  const failed = results.some(({ code }) => code !== undefined && code !== 0) ? EXIT.failed : EXIT.done;
  return gravest([failed, codeOfResults(results.map(({ result }) => result)), work.interrupted()]);
}

/** One word is a line of shell; several are a command and its arguments, each kept as it is. */
export function commandLine(words: readonly string[]): string {
  const [only = ''] = words;
  return words.length === 1 ? only : words.map(quote).join(' ');
}

function execJson(results: readonly ExecuteResult[], kept: ReadonlyMap<string, Buffer>): string {
  const hosts = results.map(({ host, code, result }) => ({
    host,
    code: code ?? null,
    outcome: result.outcome,
    output: kept.get(host)?.toString('utf8') ?? '',
    diagnostics: result.diagnostics,
  }));
  return toJson({ kind: 'exec', formatVersion: 1, hosts });
}

/** Only what did not end with 0 needs a word. */
function summarise(results: readonly ExecuteResult[], terminal: Terminal): void {
  const byCode = Map.groupBy(results, ({ code }) => code);
  for (const [code, ended] of byCode) {
    if (code === undefined || code === 0) continue;
    const hosts = hostList(ended.map(({ host }) => host));
    terminal.err(terminal.errStyle.red(`Ended with ${code} on ${hosts}.\n`));
  }
}
