import { describe, expect, test } from 'vitest';
import { problem } from '../../../src/model/diagnostic.ts';
import type { Farm, Host } from '../../../src/model/farm.ts';
import { t } from '../../../src/model/schema.ts';
import { Secret } from '../../../src/model/secret.ts';
import { groupDiagnostics } from '../../../src/report/diagnostic-groups.ts';
import { diffLines } from '../../../src/report/diff.ts';
import { renderExplanations } from '../../../src/report/explain-view.ts';
import { renderFacts } from '../../../src/report/facts-view.ts';
import { graphDot, graphMermaid } from '../../../src/report/graph.ts';
import { hostList } from '../../../src/report/host-list.ts';
import { inventoryJson, renderInventory } from '../../../src/report/inventory-view.ts';
import { toJson } from '../../../src/report/json.ts';
import { planJson } from '../../../src/report/plan-json.ts';
import { prefixedLines } from '../../../src/report/prefixed-lines.ts';
import { renderRecap } from '../../../src/report/recap.ts';
import { renderRole, roleMarkdown } from '../../../src/report/roles-view.ts';
import { plainStyle, wantsColour } from '../../../src/report/style.ts';
import { renderTimings } from '../../../src/report/timings.ts';
import { renderChecks } from '../../../src/report/verify-view.ts';
import { defineRole } from '../../../src/role/define.ts';
import { change, hostPlan, plan, result } from './plan-values.ts';

const at = { file: 'inventories/prod.yaml', line: 4, column: 3 };

describe('lists of hosts', () => {
  test.each([
    [['app1', 'app2', 'app3', 'ns1'], 'app[1:3],ns1'],
    [['app9', 'app10', 'app12'], 'app[9:10],app12'],
    [['app08', 'app09', 'app10'], 'app[08:10]'],
    [['app8', 'app09'], 'app8,app09'],
    [['web1-fra', 'web2-fra', 'web3-ber'], 'web[1:2]-fra,web3-ber'],
    [['mail', 'db'], 'mail,db'],
    [[], ''],
  ])('%j is %s', (hosts, expected) => {
    expect(hostList(hosts)).toBe(expected);
  });

  test('the rest is counted', () => {
    expect(hostList(['a1', 'a2', 'b', 'c', 'd5', 'd6'], 2)).toBe('a[1:2],b and 3 more');
  });
});

describe('diffs', () => {
  const options = { style: plainStyle, full: true };

  test('two that have nothing in common are given up after the timeout', () => {
    const text = (word: string) =>
      Array.from({ length: 4000 }, (_, line) => `${word}${(line * 7919) % 4001}\n`).join('');
    const change = { path: '/x', before: text('a'), after: text('b'), sensitive: false };
    expect(diffLines(change, { ...options, timeoutMs: 1 })).toEqual(['4000 lines replaced by 4000']);
  });

  test('a missing newline at the end is told', () => {
    expect(diffLines({ path: '/x', before: 'a', after: 'a\n', sensitive: false }, options)).toEqual([
      '@@ -1,1 +1,1 @@',
      '-a',
      '\\ No newline at end of file',
      '+a',
    ]);
  });

  test('what is not text is said', () => {
    expect(diffLines({ path: '/x', before: undefined, after: undefined, sensitive: false }, options)).toEqual([
      '(content is not text)',
    ]);
  });
});

describe('after an apply', () => {
  const shown = plan(hostPlan('app1'), hostPlan('app2'), hostPlan('ns1'), hostPlan('ns2', { unchangedCount: 0 }));

  test('a line per host', () => {
    const results = [
      result('app1'),
      result('app2', { outcome: 'changed', changed: 3 }),
      result('ns1', { outcome: 'failed', changed: 1, notMade: 2 }),
      result('ns2', { outcome: 'unreachable' }),
    ];
    expect(renderRecap(shown, results, plainStyle)).toMatchInlineSnapshot(`
      "app1  ok=10  changed=0  not-made=0
      app2  ok=10  changed=3  not-made=0
      ns1   ok=10  changed=1  not-made=2  failed
      ns2   ok=0   changed=0  not-made=0  unreachable
      4 hosts: 1 unchanged, 1 changed, 1 failed, 1 unreachable; 4 changes made, 2 not made.
      "
    `);
  });

  test('hundreds of hosts with the same numbers share a line', () => {
    const hosts = Array.from({ length: 800 }, (_, index) => `app${index + 1}`);
    const results = hosts.map((host) =>
      host === 'app7' ? result(host, { outcome: 'failed', notMade: 1 }) : result(host),
    );
    expect(renderRecap(plan(...hosts.map((host) => hostPlan(host))), results, plainStyle)).toMatchInlineSnapshot(`
      "app[1:6],app[8:800]  ok=10  changed=0  not-made=0
      app7                 ok=10  changed=0  not-made=1  failed
      800 hosts: 799 unchanged, 1 failed; 0 changes made, 1 not made.
      "
    `);
  });

  test('timings, the slowest host first', () => {
    const slow = {
      connectMs: 61,
      probeMs: 2400,
      computeMs: 3.4,
      applyMs: 125_000,
      partsMs: { 'apache-app': 120_000, base: 5_000 },
    };
    expect(renderTimings([result('app1'), result('app2', { timings: slow })])).toMatchInlineSnapshot(`
      "host  connect  probe   compute  apply      total
      app2  61 ms    2.4 s   3 ms     2 min 5 s  2 min 7 s
      app1  60 ms    340 ms  12 ms    0 ms       412 ms

      part        hosts  mean       slowest
      apache-app  1      2 min 0 s  2 min 0 s on app2
      base        1      5.0 s      5.0 s on app2
      "
    `);
  });
});

test('checks', () => {
  const check = { host: 'app1', part: 'apache-app', name: 'health', ok: true, detail: '', durationMs: 12 };
  const checks = [
    check,
    { ...check, host: 'app2', durationMs: 34 },
    { ...check, host: 'app3', ok: false, detail: 'status 500, expected 200' },
    { ...check, host: 'app4', ok: false, detail: 'status 500, expected 200' },
    { ...check, host: 'ns1', part: 'bind9/primary', name: 'zone' },
  ];
  expect(renderChecks(checks, plainStyle)).toMatchInlineSnapshot(`
    "apache-app
      ok      health  on app[1:2] (slowest 34 ms)
      FAILED  health  on app[3:4]: status 500, expected 200

    bind9/primary
      ok      zone  on ns1 (12 ms)

    5 checks on 5 hosts: 3 ok, 2 failed.
    "
  `);
  expect(renderChecks([], plainStyle)).toBe('No checks are declared for what was selected.\n');
});

test('facts say who wants a reboot', () => {
  const facts = {
    os: 'debian-12',
    kernel: '6.1.0-28-amd64',
    cpus: 2,
    memoryMiB: 1987,
    nodename: 'app1',
    addresses: { eth0: ['10.77.0.21/24'], eth1: ['10.77.1.21/24'] },
    rebootWanted: false,
  };
  const hosts = [
    { host: 'app1', facts },
    { host: 'app10', facts: { ...facts, rebootWanted: true } },
  ];
  expect(renderFacts(hosts, plainStyle)).toMatchInlineSnapshot(`
    "host   system     kernel          cpus  memory    addresses
    app1   debian-12  6.1.0-28-amd64  2     1987 MiB  eth0 10.77.0.21/24, eth1 10.77.1.21/24
    app10  debian-12  6.1.0-28-amd64  2     1987 MiB  eth0 10.77.0.21/24, eth1 10.77.1.21/24

    1 host wants a reboot: app10.
    "
  `);
});

describe('what hosts print', () => {
  const run = (chunks: [string, Uint8Array | string][]) => {
    const written: string[] = [];
    const lines = prefixedLines(
      (host) => `${host} | `,
      (text) => written.push(text),
    );
    for (const [host, chunk] of chunks) lines.push(host, typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    lines.end();
    return written.join('');
  };

  test('comes as whole lines, however it was cut', () => {
    const [first, second] = [Buffer.from('grün\n').subarray(0, 3), Buffer.from('grün\n').subarray(3)];
    expect(
      run([
        ['app1', first],
        ['app2', 'x\ny'],
        ['app1', second],
        ['app2', 'z'],
      ]),
    ).toBe('app2 | x\napp1 | grün\napp2 | yz\n');
  });

  test('cannot move the cursor', () => {
    expect(run([['app1', 'a\x1b[2Jb\r\n']])).toBe('app1 | a\\x1b[2Jb\\r\n');
  });
});

describe('the farm', () => {
  const base: Host = {
    name: 'ns1',
    tier: 'dns',
    addresses: new Map([
      ['web', '10.77.0.11'],
      ['db', '10.77.1.11'],
    ]),
    roles: [{ role: 'bind9', at }],
    settings: new Map(),
    variables: new Map([['bind9', { tsig: new Secret('geheimnis-ns', 'file tsig.key') }]]),
    ssh: {},
    become: { password: new Secret('geheimnis-sudo', 'environment SUDO') },
    retired: false,
    os: 'debian-12',
    at,
  };
  const farm: Farm = {
    name: 'example',
    domain: 'farm.example',
    os: 'debian-12',
    networks: new Map([['web', { name: 'web', cidr: '10.77.0.0/24', device: 'eth0' }]]),
    vips: new Map([['dns', { name: 'dns', address: '10.77.0.53', network: 'web', pair: ['ns1', 'ns2'], at }]]),
    tiers: new Map([['dns', { name: 'dns', roles: base.roles, hosts: ['ns1', 'ns2'], at }]]),
    hosts: new Map([
      ['ns1', base],
      ['ns2', { ...base, name: 'ns2', retired: true }],
    ]),
  };
  const partsOf = (host: string) => (host === 'ns1' ? ['bind9/primary'] : []);

  test('as a tree', () => {
    expect(renderInventory({ farm, hosts: ['ns1', 'ns2'], partsOf }, plainStyle)).toMatchInlineSnapshot(`
      "example  farm.example, debian-12: 2 hosts in 1 tier
      ├─ networks
      │  └─ web  10.77.0.0/24  eth0
      ├─ virtual addresses
      │  └─ dns  10.77.0.53  ns1, ns2
      └─ dns (2 hosts)  bind9
         ├─ ns1  web 10.77.0.11  db 10.77.1.11  bind9/primary
         └─ ns2  web 10.77.0.11  db 10.77.1.11  retired
      "
    `);
  });

  test('as JSON without secrets', () => {
    const json = inventoryJson({ farm, hosts: ['ns1'], partsOf });
    expect(json).not.toContain('geheimnis');
    expect(JSON.parse(json)).toMatchObject({
      formatVersion: 1,
      hosts: [{ name: 'ns1', parts: ['bind9/primary'], variables: { bind9: { tsig: '(sensitive)' } } }],
    });
  });

  test('as a graph', () => {
    const nfs = { tier: 'store', part: 'nfs/server', hosts: ['nfs1'] };
    const [base, app] = ['base', 'apache-app'].map((part) => ({ tier: 'app', part, hosts: ['app1', 'app2'] }));
    if (base === undefined || app === undefined) throw new Error('two nodes were made');
    const graph = {
      name: 'example',
      nodes: [nfs, base, app],
      edges: [
        { from: base, to: app, needs: 'list' as const },
        { from: nfs, to: app, needs: 'all' as const },
      ],
    };
    expect(graphDot(graph)).toMatchInlineSnapshot(`
      "digraph "example" {
        rankdir=LR;
        node [shape=box, style=rounded];
        subgraph cluster_0 {
          label="store (1 host: nfs1)";
          n0 [label="nfs/server"];
        }
        subgraph cluster_1 {
          label="app (2 hosts: app[1:2])";
          n1 [label="base"];
          n2 [label="apache-app"];
        }
        n1 -> n2 [style=solid];
        n0 -> n2 [style=dashed, label="needs all"];
      }
      "
    `);
    expect(graphMermaid(graph)).toMatchInlineSnapshot(`
      "flowchart LR
        subgraph t0["store (1 host: nfs1)"]
          n0["nfs/server"]
        end
        subgraph t1["app (2 hosts: app[1:2])"]
          n1["base"]
          n2["apache-app"]
        end
        n1 --> n2
        n0 -. needs all .-> n2
      "
    `);
  });

  test('explained', () => {
    const explanation = {
      role: 'apache-app',
      variable: 'workers',
      winner: { level: 'host' as const, value: 100, at: { ...at, line: 9 } },
      losers: [
        { level: 'tier' as const, value: 400, at },
        { level: 'default' as const, value: 150 },
      ],
    };
    const secret = {
      role: 'bind9',
      variable: 'tsig',
      winner: { level: 'farm' as const, value: new Secret('geheimnis-x', 'file tsig.key'), at },
      losers: [],
    };
    expect(renderExplanations([explanation, secret], plainStyle)).toMatchInlineSnapshot(`
      "apache-app.workers = 100
        wins  host                inventories/prod.yaml:9  100
        loses tier                inventories/prod.yaml:4  400
        loses the role's default                           150

      bind9.tsig = (sensitive, from file tsig.key)
        wins  farm  inventories/prod.yaml:4  (sensitive, from file tsig.key)
      "
    `);
  });
});

describe('a role', () => {
  const role = defineRole({
    name: 'cache',
    summary: 'Keeps pages.',
    tags: ['web'],
    systems: ['debian-12'],
    variables: t.object({
      port: t.port({ default: 6081, description: 'Where it listens.' }),
      mode: t.enum(['fast', 'safe'], { default: 'safe' }),
      key: t.secret({ description: 'Of the console.' }),
      backends: t.optional(
        t.array(t.object({ address: t.string({ format: 'ipv4' }), weight: t.integer({ minimum: 1 }) })),
      ),
      limits: t.optional(t.record(t.string(), t.union([t.integer(), t.null()]))),
    }),
    after: ['base', { part: 'nfs/client', needs: 'all' }],
    resources: () => [],
  });

  test('on the terminal', () => {
    expect(renderRole(role, plainStyle)).toMatchInlineSnapshot(`
      "cache
        Keeps pages.

        systems  debian-12
        tags     web
        after    base, nfs/client (needs all of its hosts)

      Variables
        port  whole number from 1 to 65535, default 6081
            Where it listens.
        mode  one of fast, safe, default "safe"
        key  secret (!file or !env), required
            Of the console.
        backends  list of map, optional
        backends[].address  IPv4 address, required
        backends[].weight  whole number from 1, required
        limits  map of whole number, or null, optional
      "
    `);
  });

  test('as Markdown', () => {
    expect(roleMarkdown(role)).toMatchInlineSnapshot(`
      "## cache

      Keeps pages.

      - systems: debian-12
      - tags: web
      - after: base, nfs/client (needs all of its hosts)

      | variable | type | default | meaning |
      |---|---|---|---|
      | \`port\` | whole number from 1 to 65535 | \`6081\` | Where it listens. |
      | \`mode\` | one of fast, safe | \`"safe"\` |  |
      | \`key\` | secret (!file or !env) | **required** | Of the console. |
      | \`backends\` | list of map |  |  |
      | \`backends[].address\` | IPv4 address | **required** |  |
      | \`backends[].weight\` | whole number from 1 | **required** |  |
      | \`limits\` | map of whole number, or null |  |  |
      "
    `);
  });
});

describe('diagnostics of many hosts', () => {
  test('the same words are told once, with all hosts', () => {
    const all = ['app1', 'app2', 'app3'].map((host) => problem('host/locked', 'Locked', 'By another run.', { host }));
    expect(groupDiagnostics(all)).toEqual([problem('host/locked', 'Locked', 'By another run.', { host: 'app[1:3]' })]);
  });

  test('800 dead hosts fit on a screen', () => {
    const dead = Array.from({ length: 800 }, (_, index) =>
      problem('ssh/unreachable', 'Unreachable', `app${index} is silent.`, { host: `app${index}` }),
    );
    const told = groupDiagnostics(dead);
    expect(told).toHaveLength(6);
    expect(told.at(-1)?.detail).toBe('The same trouble on 795 more: app[5:799].');
    expect(groupDiagnostics(dead, true)).toHaveLength(800);
  });
});

describe('JSON', () => {
  test('masks a secret before it is escaped', () => {
    const secret = new Secret('pass"word\nwith lines', 'test');
    const json = toJson({
      [`a`]: `x ${secret.placeholder}`,
      b: `y ${secret.reveal()} z`,
      c: secret,
      d: new Map([['k', 1]]),
    });
    expect(JSON.parse(json)).toEqual({ a: 'x (sensitive)', b: 'y (sensitive) z', c: '(sensitive)', d: { k: 1 } });
  });

  test('of a plan says its version', () => {
    const json: unknown = JSON.parse(planJson(plan(hostPlan('app1', { changes: [change({ risk: 'restart' })] }))));
    expect(json).toMatchObject({
      kind: 'plan',
      formatVersion: 1,
      counts: { create: 0, update: 1, delete: 0, unknown: 0, hosts: 1, restarts: 1 },
      hosts: [{ host: 'app1', changes: [{ id: '/etc/motd' }] }],
    });
  });
});

describe('colours', () => {
  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { TERM: 'dumb' }, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('terminal %s with %j: %s', (isTerminal, environment, expected) => {
    expect(wantsColour(isTerminal, environment)).toBe(expected);
  });
});
