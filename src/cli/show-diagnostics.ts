import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostResult } from '../engine/events.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Terminal } from './terminal.ts';

/** Prints diagnostics on stderr, those of many hosts in short unless `all`. */
export async function showDiagnostics(
  diagnostics: readonly Diagnostic[],
  terminal: Terminal,
  all = false,
): Promise<void> {
  if (diagnostics.length === 0) return;
  const { groupDiagnostics } = await import('../report/diagnostic-groups.ts');
  const { renderDiagnostics } = await import('../report/diagnostics.ts');
  terminal.err(
    renderDiagnostics(groupDiagnostics(diagnostics, all), {
      style: terminal.errStyle,
      readSource: (file) => readSource(file, terminal),
    }),
  );
}

/** What went wrong on hosts. */
export function showResults(
  results: readonly HostResult[],
  flags: { readonly verbose: number | true },
  terminal: Terminal,
): Promise<void> {
  const diagnostics = results.flatMap(({ host, diagnostics: all }) =>
    all.map((one) => ({ ...one, host: one.host ?? host })),
  );
  return showDiagnostics(diagnostics, terminal, Number(flags.verbose) > 0);
}

/** The text of a file for a code frame; undefined where it cannot be read any more: the frame is then left out. */
function readSource(file: string, { sources, directory }: Terminal): string | undefined {
  const known = sources.get(file);
  if (known !== undefined) return known;
  try {
    return readFileSync(resolve(directory, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
