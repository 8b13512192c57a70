import { expect, test } from 'vitest';
import type { RunEvent } from '../../../src/engine/events.ts';
import { problem } from '../../../src/model/diagnostic.ts';
import { createRowModel } from '../../../src/report/live-rows.ts';
import { createPlainReporter } from '../../../src/report/reporter.ts';
import { plainStyle } from '../../../src/report/style.ts';
import { change, hostPlan, result } from './plan-values.ts';

const one = change({ part: 'base' });
const failure = problem('remote/command-failed', 'Command failed', 'It ended with 1.');

const EVENTS: readonly RunEvent[] = [
  { kind: 'run-started', hosts: ['app1', 'app2', 'app3'] },
  { kind: 'host-connected', host: 'app1', afterMs: 61 },
  { kind: 'host-connected', host: 'app2', afterMs: 62 },
  { kind: 'host-planned', plan: hostPlan('app1', { changes: [one] }) },
  { kind: 'host-planned', plan: hostPlan('app2', { changes: [one] }) },
  { kind: 'notice', diagnostic: problem('host/locked', 'Locked', 'Waiting for another run.', { host: 'app3' }) },
  { kind: 'host-planned', plan: hostPlan('app3', { state: 'locked' }) },
  { kind: 'apply-started', parts: [{ part: 'base', hosts: ['app1', 'app2'] }] },
  { kind: 'part-started', host: 'app1', part: 'base' },
  { kind: 'change-started', host: 'app1', change: one },
  { kind: 'change-made', host: 'app1', part: 'base', change: one, already: false, durationMs: 1240 },
  { kind: 'part-finished', host: 'app1', part: 'base', outcome: 'done' },
  { kind: 'part-started', host: 'app2', part: 'base' },
  { kind: 'change-failed', host: 'app2', change: one, diagnostic: failure },
  { kind: 'part-finished', host: 'app2', part: 'base', outcome: 'failed' },
  { kind: 'host-finished', result: result('app1', { outcome: 'changed', changed: 1 }) },
  { kind: 'host-finished', result: result('app2', { outcome: 'failed', notMade: 1 }) },
  { kind: 'host-finished', result: result('app3', { outcome: 'locked' }) },
];

function told(verbosity: number): string {
  const lines: string[] = [];
  const reporter = createPlainReporter((text) => lines.push(text), plainStyle, verbosity);
  for (const event of EVENTS) reporter.report(event);
  return lines.join('');
}

test('as lines', () => {
  expect(told(0)).toMatchInlineSnapshot(`
    "Connecting to 3 hosts
    app3: Waiting for another run.
    app1: base: update file /etc/motd: done in 1.2 s
    app2: base: update file /etc/motd: failed: Command failed
    app2: base: failed
    app2: failed
    app3: locked
    "
  `);
});

test('as lines with -vv', () => {
  expect(told(2)).toMatchInlineSnapshot(`
    "Connecting to 3 hosts
    app1: connected after 61 ms
    app2: connected after 62 ms
    app1: 1 change planned (planned)
    app2: 1 change planned (planned)
    app3: Waiting for another run.
    app3: 0 changes planned (locked)
    app1: base begins
    app1: base: update file /etc/motd begins
    app1: base: update file /etc/motd: done in 1.2 s
    app2: base begins
    app2: base: update file /etc/motd: failed: Command failed
    app2: base: failed
    app2: failed
    app3: locked
    "
  `);
});

test('as rows: one while hosts are looked at, then one per part', () => {
  const model = createRowModel(plainStyle);
  const rows = () => model.rows.map(({ title, state }) => `${state}: ${title}`);
  const seen: string[] = [];
  for (const event of EVENTS) {
    if (model.take(event)) seen.push('--');
    if (seen.at(-1) !== rows().join('; ')) seen.push(rows().join('; '));
  }
  expect(seen).toMatchInlineSnapshot(`
    [
      "--",
      "going: Looking at 3 hosts: 0 connected, 0 done",
      "going: Looking at 3 hosts: 1 connected, 0 done",
      "going: Looking at 3 hosts: 2 connected, 0 done",
      "going: Looking at 3 hosts: 2 connected, 1 done",
      "going: Looking at 3 hosts: 2 connected, 2 done",
      "failed: Looked at 3 hosts, 1 could not be looked at",
      "--",
      "going: base  0 of 2 hosts, 0 changes",
      "going: base  0 of 2 hosts, 0 changes, 1 under way",
      "going: base  0 of 2 hosts, 1 change, 1 under way",
      "going: base  1 of 2 hosts, 1 change",
      "going: base  1 of 2 hosts, 1 change, 1 under way",
      "failed: base  1 of 2 hosts, 1 change, 1 failed",
    ]
  `);
});

test('a command that is done with its hosts closes the row, though not each told of its end', () => {
  const model = createRowModel(plainStyle);
  for (const event of EVENTS.slice(0, 3)) model.take(event);
  model.close();
  expect(model.rows).toEqual([{ key: 'looking', state: 'failed', title: 'Looked at 2 hosts of 3' }]);
});
