import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Degree } from '../lab/host.ts';
import { type CommandResult, type Lab, openLab } from '../lab/lab.ts';
import { PROJECT_PATH } from '../lab/paths.ts';
import type { Answer, ClientSpec } from './projects/lvs/web-client.ts';
import { removed } from './traces.ts';

/** How a command of farmctl ended, and what it had planned as `HOST: ACTION TYPE ID`. */
interface Ended {
  readonly exitCode: number | undefined;
  readonly changes: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** What clients got. */
interface Load {
  /** How many answers had that body. */
  readonly bodies: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** One of the inventories that come with farmctl, on new hosts, in a copy that may be changed. */
export interface ExampleFarm {
  /** The lab as the copy describes it now. */
  readonly lab: Lab;
  /** Writes the inventory anew, each text in place of the one before it, and brings up the hosts it then names. */
  become(...edits: readonly (readonly [from: string, to: string])[]): Promise<void>;
  farmctl(command: 'apply' | 'plan' | 'drift', ...more: readonly string[]): Promise<Ended>;
  /** All declared checks, as a user sees them. */
  verify(): Promise<CommandResult>;
  /** An apply that has to succeed. @returns what it changed */
  applied(): Promise<readonly string[]>;
  /** Asks for the page of a virtual host at an address, eight times a second, until the returned function is called. */
  startLoad(address: string, host: string): () => Promise<Load>;
  down(): Promise<void>;
}

/** Opens a lab for `inventories/NAME.yaml`. */
export async function openExample(inventory: string, image: Degree): Promise<ExampleFarm> {
  const name = `test-${inventory}`;
  await removed(name);
  const folder = await mkdtemp(join(tmpdir(), `farmctl-${inventory}-`));
  const path = join(folder, `${inventory}.yaml`);
  const source = join(PROJECT_PATH, 'inventories');
  await cp(join(source, `${inventory}-files`), join(folder, `${inventory}-files`), { recursive: true });
  const original = await readFile(join(source, `${inventory}.yaml`), 'utf8');
  await writeFile(path, original);
  let lab = await openLab(path, { name, image });

  const farmctl: ExampleFarm['farmctl'] = async (command, ...more) => {
    const yes = command === 'apply' ? ['--yes'] : [];
    const { exitCode, stdout, stderr } = await lab.farmctl([command, '-i', path, '--json', ...yes, ...more]);
    return { exitCode, stdout, stderr, changes: stdout.startsWith('{') ? planned(stdout) : [] };
  };

  return {
    get lab() {
      return lab;
    },
    async become(...edits) {
      let text = original;
      for (const [from, to] of edits) {
        if (!text.includes(from)) throw new Error(`${inventory}.yaml does not hold: ${from}`);
        text = text.replace(from, to);
      }
      await writeFile(path, text);
      lab = await openLab(path, { name });
    },
    farmctl,
    verify: () => lab.farmctl(['verify', '-i', path]),
    async applied() {
      const { exitCode, changes, stderr } = await farmctl('apply');
      if (exitCode !== 0) throw new Error(`apply ended with ${exitCode}\n${stderr}`);
      return changes;
    },
    startLoad(address, host) {
      const spec: ClientSpec = { address, port: 80, host, path: '/', perSecond: 8, timeoutMs: 10_000 };
      const argv = [process.execPath, 'test/e2e/projects/lvs/web-client.ts', 'load', JSON.stringify(spec)];
      const running = lab.start(argv, { timeoutMs: 900_000 });
      return async () => {
        running.kill('SIGTERM');
        const { exitCode, stdout, stderr } = await running.result;
        if (exitCode !== 0) throw new Error(`the load ended with ${exitCode}: ${stdout}${stderr}`);
        return summary(JSON.parse(stdout));
      };
    },
    async down() {
      await removed(name);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function summary(answers: readonly Answer[]): Load {
  const bodies: Record<string, number> = {};
  for (const { who } of answers) if (who !== undefined) bodies[who] = (bodies[who] ?? 0) + 1;
  const began = answers[0]?.at ?? 0;
  const failures = answers.flatMap(({ at, error }) =>
    error === undefined ? [] : [`after ${at - began} ms: ${error}`],
  );
  return { bodies, failures };
}

function planned(stdout: string): readonly string[] {
  const { hosts } = JSON.parse(stdout) as {
    hosts: { host: string; changes: { action: string; type: string; id: string }[] }[];
  };
  return hosts.flatMap(({ host, changes }) => changes.map((one) => `${host}: ${one.action} ${one.type} ${one.id}`));
}
