import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Installed } from './installed.ts';
import { inventory } from './inventory-text.ts';
import { costs, type Figure, median, type Sample, type Start, sample } from './measure.ts';

const DELAY_MS = 50;
const ROUNDS = 5;
const PORT = 2250;

/** Milliseconds by phase from the table of `--timings`, for a farm of one host. */
function phases(printed: string): { readonly connect: number; readonly probe: number } {
  const rows = printed.split('\n').map((line) => line.split(/ {2,}/));
  const head = rows.find((row) => row[0] === 'host') ?? [];
  const row = rows.find((one) => one[0] === 'far1') ?? [];
  const ms = (name: string) => {
    const [, number = 'NaN', unit] = /^([0-9.]+) (ms|s)$/.exec(row[head.indexOf(name)] ?? '') ?? [];
    return Number(number) * (unit === 's' ? 1000 : 1);
  };
  return { connect: ms('connect'), probe: ms('probe') };
}

/** One host behind a relay that holds each direction back: how many round trips follow the login. */
export async function distant(lab: Lab, { words, folder }: Installed): Promise<readonly Figure[]> {
  const host = lab.host(lab.hostNames[0] ?? '');
  const key = (await host.must('cat /etc/ssh/ssh_host_ed25519_key.pub')).split(' ').slice(0, 2).join(' ').trim();
  const far = { name: 'far1', address: '127.0.0.1', key };
  const start: Start = (all, env) => lab.run(all, { env: { ...env, XDG_CACHE_HOME: folder } });
  const run = async (port: number, address: string, scratch: string): Promise<Sample> => {
    await writeFile(join(folder, 'far.yaml'), inventory([{ ...far, address, port }], lab.keyPath));
    return sample(start, [...words, 'drift', '-i', join(folder, 'far.yaml'), '--timings'], {
      scratch,
      statuses: [0, 2],
    });
  };
  const relay = lab.start([
    process.execPath,
    new URL('relay.mjs', import.meta.url).pathname,
    String(PORT),
    host.addressIn(),
    '22',
    String(DELAY_MS),
  ]);
  try {
    await waitUntil(5000, 'the relay does not answer', () => Promise.resolve(relay.stdout().includes('ready')));
    const near: Sample[] = [];
    const distantRuns: Sample[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      near.push(await run(22, host.addressIn(), folder));
      distantRuns.push(await run(PORT, '127.0.0.1', folder));
    }
    const of = (samples: readonly Sample[], phase: 'connect' | 'probe') =>
      median(samples.map((one) => phases(one.result.stderr)[phase]));
    const extra = of(distantRuns, 'probe') - of(near, 'probe');
    const connect = Math.round(of(distantRuns, 'connect'));
    return [
      {
        name: 'behind 100 ms',
        value: extra / (2 * DELAY_MS),
        unit: 'round trips',
        target: 2.2,
        detail: `after the login (${connect} ms with the start of the shell), ${Math.round(extra)} ms more than without the delay`,
        ...costs(distantRuns),
      },
    ];
  } finally {
    relay.kill('SIGTERM');
    await relay.result;
  }
}
