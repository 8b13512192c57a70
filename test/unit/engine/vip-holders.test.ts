import { expect, it } from 'vitest';
import { judgeVips } from '../../../src/engine/vip-holders.ts';

const at = { file: 'farm.yaml', line: 1, column: 1 };
const VIPS = new Map([
  ['dns', { name: 'dns', address: '10.77.0.53', network: 'web', pair: ['ns1', 'ns2'] as const, at }],
]);

/** What is said on each host that was asked; `selected` are those that the user meant. */
function verdicts(held: Readonly<Record<string, boolean>>, selected: readonly string[] = ['ns1', 'ns2']) {
  const answers = Object.entries(held).map(([host, isHeld]) => ({
    vip: 'dns',
    isHeld,
    result: { host, part: 'heartbeat', name: 'holder of dns', ok: false, detail: 'not asked', durationMs: 1 },
  }));
  const said = [...judgeVips(answers, VIPS, selected).values()].map((one) => `${one.ok ? 'ok' : 'bad'}: ${one.detail}`);
  return [...new Set(said)];
}

it('is good with exactly one holder, and tells who it is', () => {
  expect(verdicts({ ns1: false, ns2: true })).toEqual(['ok: ns2 has it']);
  expect(verdicts({ ns1: true, ns2: true })).toEqual(['bad: ns1 and ns2 both have it']);
  expect(verdicts({ ns1: false, ns2: false })).toEqual(['bad: neither ns1 nor ns2 has it']);
});

it('does not take a host that is down for one that may have it', () => {
  expect(verdicts({ ns2: true })).toEqual(['ok: ns2 has it; ns1 does not answer']);
  expect(verdicts({ ns2: false })).toEqual(['bad: ns2 does not have it; ns1 does not answer']);
  expect(verdicts({ ns2: false }, ['ns2'])).toEqual(['ok: ns2 does not have it; ns1 was not asked']);
});
