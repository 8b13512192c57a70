import { problem } from '../model/diagnostic.ts';
import { stepsAhead } from './files-first.ts';
import { partners } from './held-vips.ts';
import { type HostRun, stepsOf } from './host-run.ts';
import type { RunOptions } from './run.ts';

/**
 * A part with `filesFirst` is changed on both hosts of a pair or on none: where one of them could not be looked at, the
 * other one keeps what it has, and the plan says so. With the new files on one alone the two could part.
 */
export function holdBack(run: HostRun, runs: readonly HostRun[], { farm, roles }: RunOptions): void {
  const { name } = run.host;
  const missing = runs
    .filter((one) => one.failure !== undefined && partners(farm)(name).includes(one.host.name))
    .map((one) => one.host.name);
  if (run.failure !== undefined || missing.length === 0) return;
  for (const role of roles.values())
    for (const [part, { filesFirst }] of role.parts) {
      if (filesFirst !== true || stepsAhead(stepsOf(run, part)).length === 0) continue;
      run.heldBack.add(part);
      const diagnostic = problem(
        'run/held-back',
        'Change held back',
        `${part} on ${name} must change together with ${missing.join(' and ')}, which could not be looked at: it stays as it is.`,
        {
          severity: 'warning',
          host: name,
          hint: `Bring ${missing.join(' and ')} back and run the same command again, or take it out of the pair.`,
        },
      );
      run.plan = { ...run.plan, diagnostics: [...run.plan.diagnostics, diagnostic] };
    }
}
