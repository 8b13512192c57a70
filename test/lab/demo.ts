import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { diagnosticText } from './cli.ts';
import { layoutFromInventory } from './from-inventory.ts';
import { DEGREES } from './host.ts';
import { farmctlWords } from './lab.ts';
import { asUserOf } from './namespace.ts';
import { labPaths, PROJECT_PATH, statePaths } from './paths.ts';
import { checkRequirements } from './requirements.ts';
import { up } from './up.ts';

/*
 * `npm run demo`: a small farm on this machine, made by one apply, with a drift found and healed. It is left up.
 * `--image deps` takes hosts on which the packages' dependencies are installed; blank is the default.
 */

const LAB = 'demo';
const INVENTORY = 'inventories/demo.yaml';
const NAME_SERVER = '10.77.0.11';
const PAGE = '/srv/www/www.demo.example/index.php';

const started = performance.now();
const isColourful = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const bold = (text: string) => (isColourful ? `\u001b[1m${text}\u001b[22m` : text);
const dim = (text: string) => (isColourful ? `\u001b[2m${text}\u001b[22m` : text);

// Written at once: the commands between write to the same terminal themselves.
function say(line = ''): void {
  writeSync(1, `${line}\n`);
}

function chapter(title: string): void {
  say(`\n${bold(`== ${title}`)} ${dim(`(${seconds()} s)`)}`);
}

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}

const state = statePaths();

interface RunOptions {
  /** The exit status that is no failure. */
  readonly expected?: number;
  /** Only so many of the last lines of its result are shown; its progress is shown all the same. */
  readonly tail?: number;
}

/** A command in the lab's network, on this terminal. @throws FarmError where it does not end as expected */
async function run(shown: string, argv: readonly string[], { expected = 0, tail }: RunOptions = {}): Promise<void> {
  say(bold(`$ ${shown}${tail === undefined ? '' : ` | tail -n ${tail}`}`));
  const [program = '', ...rest] = [...asUserOf(LAB, labPaths(state, LAB).sshConfig), ...argv];
  const stdout = tail === undefined ? 'inherit' : 'pipe';
  const child = spawn(program, rest, { stdio: ['inherit', stdout, 'inherit'], cwd: PROJECT_PATH });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 128)));
  });
  const lines = Buffer.concat(chunks).toString('utf8').trimEnd().split('\n');
  if (tail !== undefined) say(lines.slice(-tail).join('\n'));
  if (ended === expected) return;
  const detail = `"${shown}" ended with ${ended}, where ${expected} was expected.`;
  const hint = 'The farm is left as it is: look with `npm run lab -- status`, remove it with `npm run lab -- down`.';
  throw Object.assign(new FarmError(problem('lab/demo', 'The demo stopped', detail, { hint })), { exitCode: ended });
}

function farmctl(words: string, options: RunOptions = {}): Promise<void> {
  return run(`farmctl ${words}`, farmctlWords(words.split(' ')), options);
}

function client(...words: readonly string[]): Promise<void> {
  const argv = [process.execPath, 'test/lab/client.ts', ...words];
  return run(`node test/lab/client.ts ${words.join(' ')}`, argv);
}

async function demo(image: string): Promise<void> {
  const degree = DEGREES.find((one) => one === image);
  if (degree === undefined) {
    const detail = `"${image}" is no image.`;
    throw new FarmError(problem('lab/usage', 'Wrong usage', detail, { hint: `--image ${DEGREES.join(' | ')}` }));
  }
  chapter('Six hosts in a network of their own');
  await checkRequirements(true, say);
  const layout = await layoutFromInventory(INVENTORY);
  await up(state, { lab: LAB, inventory: INVENTORY, layout, say, degree });
  await farmctl('inventory -i demo');

  chapter('One apply makes a farm of them');
  await farmctl('apply -i demo --yes', { tail: layout.hosts.length + 2 });

  chapter('Every declared check, and a client of the farm');
  await farmctl('verify -i demo');
  await client('ask', NAME_SERVER, 'www.demo.example', 'A');
  await client('get', 'http://www.demo.example/', NAME_SERVER);

  chapter('Somebody edits a file on app1 by hand');
  const edit = `echo '<p>Changed by hand.</p>' >>${PAGE}`;
  await run(`ssh app1 "${edit}"`, ['ssh', '-o', 'BatchMode=yes', 'app1', edit]);
  say(dim('drift finds it, and ends with exit status 2:'));
  await farmctl('drift -i demo', { expected: 2 });
  say(dim('apply puts it right, and nothing else:'));
  await farmctl('apply -i demo --yes');
  await farmctl('drift -i demo');

  chapter('The farm is up. Try');
  say(`  npm run lab -- farmctl plan -i demo -e apache-app.workers=200   what would that change?
  npm run lab -- farmctl explain apache-app.workers --host app1 -i demo
  npm run lab -- farmctl exec -l media -i demo -- uptime
  npm run lab -- run curl -s -H 'Host: www.demo.example' 10.77.0.22
  npm run lab -- ssh app1                                         break something, then
  npm run lab -- farmctl drift -i demo
  npm run lab -- down                                             removes it all

Add \`app3: { web: 10.77.0.23 }\` to the tier app in ${INVENTORY}, then
  npm run lab -- up && npm run lab -- farmctl apply -i demo`);
}

const [option, value, ...more] = process.argv.slice(2).flatMap((word) => word.split('='));
try {
  if (option !== undefined && (option !== '--image' || value === undefined || more.length > 0)) {
    const detail = `The demo takes no "${process.argv.slice(2).join(' ')}".`;
    throw new FarmError(problem('lab/usage', 'Wrong usage', detail, { hint: 'npm run demo [-- --image deps]' }));
  }
  // Ctrl-C reaches farmctl from the terminal; this process waits for how it ends.
  process.on('SIGINT', () => undefined);
  await demo(value ?? 'blank');
} catch (error) {
  if (!(error instanceof FarmError)) throw error;
  say();
  for (const diagnostic of error.diagnostics) process.stderr.write(`${diagnosticText(diagnostic)}\n`);
  process.exitCode = 'exitCode' in error && typeof error.exitCode === 'number' ? error.exitCode : 1;
}
