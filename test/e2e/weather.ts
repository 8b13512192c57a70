import { join } from 'node:path';
import { down } from '../lab/down.ts';
import type { Degree } from '../lab/host.ts';
import { type CommandOptions, type CommandResult, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH, statePaths } from '../lab/paths.ts';

const INVENTORIES = join(PROJECT_PATH, 'test/e2e/projects/weather/inventories');

/** How a run came out: what it planned as `HOST: TYPE ID`, and how each host ended. */
export interface Outcome extends CommandResult {
  readonly changes: readonly string[];
  /** Host name to `ok`, `changed`, `failed`, `unreachable`…; of `apply` only. */
  readonly outcomes: Readonly<Record<string, string>>;
}

export interface Weather {
  readonly lab: Lab;
  run(verb: 'plan' | 'apply' | 'drift', more?: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** As `run('apply')`. @throws Error unless it ends with 0 */
  converge(more?: readonly string[]): Promise<Outcome>;
  /** Words of farmctl for this inventory, `--yes` included where it applies. */
  words(verb: string, more?: readonly string[]): readonly string[];
  down(): Promise<void>;
}

interface Printed {
  readonly hosts?: readonly { host: string; changes: readonly { type: string; id: string }[] }[];
  readonly results?: readonly { host: string; outcome: string }[];
}

/** Reads what `--json` printed; nothing where the run ended before it. */
export function readOutcome(result: CommandResult): Outcome {
  const { hosts = [], results = [] } = (result.stdout.startsWith('{') ? JSON.parse(result.stdout) : {}) as Printed;
  return {
    ...result,
    changes: hosts.flatMap(({ host, changes }) => changes.map((one) => `${host}: ${one.type} ${one.id}`)),
    outcomes: Object.fromEntries(results.map(({ host, outcome }) => [host, outcome])),
  };
}

/** Brings up a lab of new hosts, of that image, as an inventory of the fixture says. */
export async function openWeather(name: string, inventory: string, image: Degree = 'blank'): Promise<Weather> {
  const path = join(INVENTORIES, `${inventory}.yaml`);
  await down(statePaths(), name);
  const lab = await openLab(path, { name, image });
  const words: Weather['words'] = (verb, more = []) => [
    verb,
    '-i',
    path,
    ...(verb === 'apply' ? ['--yes'] : []),
    '--json',
    ...more,
  ];
  const run: Weather['run'] = async (verb, more, options) => readOutcome(await lab.farmctl(words(verb, more), options));
  return {
    lab,
    words,
    run,
    async converge(more) {
      const result = await run('apply', more);
      if (result.exitCode !== 0) throw new Error(`apply ended with ${result.exitCode}\n${result.stderr}`);
      return result;
    },
    down: () => lab.down(),
  };
}
