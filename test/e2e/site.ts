import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { down } from '../lab/down.ts';
import type { ChosenKinds } from '../lab/host.ts';
import { type CommandOptions, type CommandResult, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH, statePaths } from '../lab/paths.ts';

const INVENTORIES = join(PROJECT_PATH, 'test/e2e/projects/site/inventories');

/** The secret of the fixture's inventory: it must never be seen. */
export async function canary(): Promise<string> {
  return (await readFile(join(INVENTORIES, 'token.txt'), 'utf8')).trim();
}

/** Words of farmctl that name an inventory of the fixture, with variables of the role site. */
export function words(
  verb: string,
  inventory: string,
  variables: Readonly<Record<string, unknown>> = {},
): readonly string[] {
  const given = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${JSON.stringify(value)}`]);
  return [verb, '-i', join(INVENTORIES, `${inventory}.yaml`), ...given, ...(verb === 'apply' ? ['--yes'] : [])];
}

/** What a run planned on one host, as `HOST: ACTION TYPE ID`. */
function planned(stdout: string): string[] {
  const { hosts } = JSON.parse(stdout) as {
    hosts: { host: string; changes: { action: string; type: string; id: string }[] }[];
  };
  return hosts.flatMap(({ host, changes }) => changes.map((one) => `${host}: ${one.action} ${one.type} ${one.id}`));
}

export interface Site {
  readonly lab: Lab;
  /** Runs farmctl with `--json`: the planned changes beside what any command gives. */
  run(
    verb: 'plan' | 'apply' | 'drift',
    variables?: Readonly<Record<string, unknown>>,
    more?: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult & { readonly changes: readonly string[] }>;
  /** As `run('apply')`. @throws Error unless it ends with 0 */
  converge(variables?: Readonly<Record<string, unknown>>, more?: readonly string[]): Promise<readonly string[]>;
  down(): Promise<void>;
}

/** Brings up a lab of new hosts as an inventory of the fixture says, of the kinds that are chosen for them. */
export async function openSite(name: string, inventory: string, kinds: ChosenKinds = {}): Promise<Site> {
  await down(statePaths(), name);
  const lab = await openLab(join(INVENTORIES, `${inventory}.yaml`), { name, kinds });
  const run: Site['run'] = async (verb, variables = {}, more = [], options) => {
    const result = await lab.farmctl([...words(verb, inventory, variables), '--json', ...more], options);
    return { ...result, changes: result.stdout.startsWith('{') ? planned(result.stdout) : [] };
  };
  return {
    lab,
    run,
    async converge(variables, more) {
      const result = await run('apply', variables, more);
      if (result.exitCode !== 0) throw new Error(`apply ended with ${result.exitCode}\n${result.stderr}`);
      return result.changes;
    },
    down: () => lab.down(),
  };
}

/** A listing of all that a person could miss on a host: type, mode, owners, times, targets and digests. */
export const LISTING = `cd / && find etc root srv usr/local var/lib opt home -xdev ! -path 'var/lib/systemd/*' \\
  \\( -type d -printf '%p %m %u %g %T@\\n' -o -printf '%p %y %m %u %g %s %T@ %C@ %l\\n' \\) | sort
find etc root srv usr/local var/lib -xdev -type f -exec sha256sum {} + | sort
find /usr /boot -xdev ! -type d -printf '%p %C@\\n' | sort | sha256sum
find /run /tmp /var/tmp /var -xdev -name '*farmctl*' | sort
systemctl list-unit-files --no-legend | sort`;
