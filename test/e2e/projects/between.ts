import { spawnSync } from 'node:child_process';
import { openFarmRun } from '../../../src/cli/farm-run.ts';
import { processTerminal } from '../../../src/cli/terminal.ts';
import { prepareRun } from '../../../src/engine/prepare.ts';

/**
 * Plans app1 and app2, lets root run a script on app1, then applies the plan: what a person does who reads the plan for
 * long. Arguments: the script, then `-i FILE -e VARIABLE=VALUE...`. Prints the results as JSON.
 */
const [script = 'true', , inventory = '', ...rest] = process.argv.slice(2);
const extraVars = rest.filter((_, index) => index % 2 === 1);
const flags = { inventory, extraVars, verbose: 0, limit: ['app1,app2'], exclude: [], forks: 50, lockTimeout: 30 };
await using work = await openFarmRun(flags, processTerminal(), { mayMove: false });
const run = await prepareRun(await work.options());
const { status } = spawnSync('ssh', ['app1', script], { stdio: ['ignore', 'ignore', 'inherit'] });
if (status !== 0) throw new Error(`ssh ended with ${status}`);
const results = await run.apply();
run.close();
process.stdout.write(JSON.stringify(results));
