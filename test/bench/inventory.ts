import { type LoadedInventory, loadInventory } from '../../src/inventory/load.ts';
import { roles } from '../corpus/roles.ts';

// How long an inventory of 10,000 hosts takes that are written one by one: reading, schema, cross checks, the farm.
// node test/bench/inventory.ts [HOSTS]
const hosts = Number(process.argv[2] ?? 10_000);
const runs = 5;

/** Two addresses each; every tenth host has variables of its own, every fiftieth is reached in another way. */
function inventory(mistake = ''): string {
  const lines = [
    'farm: big',
    'domain: big.example',
    'os: debian-12',
    'networks: { web: { cidr: 10.0.0.0/14, device: eth0 }, db: { cidr: 10.4.0.0/14, device: eth1 } }',
    'variables: { apache-app: { workers: 400 } }',
    'tiers:',
    '  app:',
    '    roles: [base, { apache-app: { port: 8080 } }, resolver]',
    '    hosts:',
  ];
  for (let number = 1; number <= hosts; number++) {
    const tail = `${number >> 8}.${number & 255}`;
    const own = number % 10 === 0 ? `, apache-app: { workers: ${100 + (number % 50)} }` : '';
    const ssh = number % 50 === 0 ? ', ssh: { port: 2222 }' : '';
    const address = tail.endsWith('.0') || tail.endsWith('.255') ? `10.1.${tail}` : `10.0.${tail}`;
    lines.push(`      app${number}: { web: ${address}, db: 10.4.${tail}${own}${ssh}${mistake} }`);
  }
  return `${lines.join('\n')}\n`;
}

async function measure(name: string, input: string, isRight: (loaded: LoadedInventory) => boolean): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    const loaded = await loadInventory('-', { roles, input });
    times.push(performance.now() - start);
    if (!isRight(loaded)) throw new Error(`${name}: not as expected`);
  }
  const [first = 0] = times;
  const median = times.toSorted((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
  console.log(`${name}: first ${Math.round(first)} ms, median of ${runs} ${Math.round(median)} ms`);
}

await measure(`inventory of ${hosts} hosts`, inventory(), ({ farm }) => farm?.hosts.size === hosts);
await measure(
  `the same with a mistake in each`,
  inventory(', wbe: 10.0.0.1'),
  ({ farm, diagnostics }) => farm === undefined && diagnostics.length === hosts,
);
