import { problem } from '../model/diagnostic.ts';
import { stepsAhead } from './files-first.ts';
import { partners } from './held-vips.ts';
import { type HostRun, stepsOf } from './host-run.ts';
import type { RunOptions } from './run.ts';

/** The parts with `filesFirst` in which a running service of the host would take new files. */
export function partsTogether(run: HostRun, { roles }: Pick<RunOptions, 'roles'>): readonly string[] {
  const all = [...roles.values()].flatMap((role) => [...role.parts]);
  return all.flatMap(([part, { filesFirst }]) =>
    filesFirst === true && stepsAhead(stepsOf(run, part)).length > 0 ? [part] : [],
  );
}

/**
 * A part with `filesFirst` is changed on both hosts of a pair or on none: where one of them could not be looked at, the
 * other one keeps what it has, and the plan says so. With the new files on one alone the two could part.
 * @param together what `partsTogether` said of each host when it was looked at
 */
export function holdBack(
  runs: readonly HostRun[],
  together: ReadonlyMap<HostRun, readonly string[]>,
  { farm }: Pick<RunOptions, 'farm'>,
): void {
  const missing = new Set(runs.filter((run) => run.failure !== undefined).map((run) => run.host.name));
  const partnersOf = partners(farm);
  for (const [run, parts] of together) {
    const { name } = run.host;
    const gone = partnersOf(name).filter((one) => missing.has(one));
    if (missing.has(name) || gone.length === 0) continue;
    const names = gone.join(' and ');
    const diagnostics = parts.map((part) =>
      problem(
        'run/held-back',
        'Change held back',
        `${part} on ${name} must change together with ${names}, which could not be looked at: it stays as it is.`,
        {
          severity: 'warning',
          host: name,
          hint: `Bring ${names} back and run the same command again, or take it out of the pair.`,
        },
      ),
    );
    for (const part of parts) run.heldBack.add(part);
    run.plan = { ...run.plan, diagnostics: [...run.plan.diagnostics, ...diagnostics] };
  }
}
