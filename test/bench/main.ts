import { parseArgs } from 'node:util';
import { type Lab, openLab } from '../lab/lab.ts';
import { distant } from './distant.ts';
import { type Installed, install } from './installed.ts';
import { manyHosts } from './many-hosts.ts';
import type { Figure } from './measure.ts';
import { startUp } from './start-up.ts';
import { TEN_HOSTS, tenHosts } from './ten-hosts.ts';

// What farmctl takes, each figure against something measured in the same run: npm run bench -- [--json] [--only NAME]
// Ends with 1 where a figure misses its target.

const GROUPS: Readonly<Record<string, (farmctl: Installed, lab: () => Promise<Lab>) => Promise<readonly Figure[]>>> = {
  'start-up': (farmctl) => startUp(farmctl),
  'ten-hosts': async (farmctl, lab) => tenHosts(await lab(), farmctl),
  distant: async (farmctl, lab) => distant(await lab(), farmctl),
  'many-hosts': async (farmctl, lab) => manyHosts(await lab(), farmctl),
};

function line({ name, value, unit, target, detail, cpuMs, peakMiB }: Figure): string {
  const shown = unit === 'ratio' || unit === 'round trips' ? value.toFixed(2) : `${Math.round(value)}`;
  const verdict =
    target === undefined ? '' : value <= target ? `  at most ${target}: met` : `  at most ${target}: MISSED`;
  const cost = cpuMs === undefined ? '' : `; controller ${Math.round(cpuMs)} ms CPU, ${Math.round(peakMiB ?? 0)} MiB`;
  return `${name.padEnd(34)} ${shown.padStart(7)} ${unit}${verdict}\n    ${detail}${cost}`;
}

const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true } } });
const names = values.only ?? Object.keys(GROUPS);
const unknown = names.find((name) => GROUPS[name] === undefined);
if (unknown !== undefined) throw new Error(`no figures "${unknown}"; there are ${Object.keys(GROUPS).join(', ')}`);

await using farmctl = await install();
let opened: Promise<Lab> | undefined;
const lab = () => {
  opened ??= openLab(TEN_HOSTS, { name: 'bench', say: (text) => process.stderr.write(`${text}\n`) });
  return opened;
};
const figures: Figure[] = [];
for (const name of names) {
  const found = (await GROUPS[name]?.(farmctl, lab)) ?? [];
  figures.push(...found);
  if (values.json !== true) for (const one of found) process.stdout.write(`${line(one)}\n`);
}
if (values.json === true) process.stdout.write(`${JSON.stringify({ figures }, undefined, 2)}\n`);
if (figures.some(({ value, target }) => target !== undefined && value > target)) process.exitCode = 1;
