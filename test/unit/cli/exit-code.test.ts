import { describe, expect, test } from 'vitest';
import { codeOfPlan, codeOfResults, EXIT, gravest } from '../../../src/cli/exit-code.ts';
import type { HostOutcome, HostResult } from '../../../src/engine/events.ts';
import type { HostPlanState, Plan } from '../../../src/plan/plan.ts';
import { change, hostPlan, plan, result } from '../report/plan-values.ts';

describe('several codes at once', () => {
  test('the first of 130, 1, 7, 5, 3, 4, 6, 2, 0 wins, in any order', () => {
    const order = [130, 1, 7, 5, 3, 4, 6, 2, 0] as const;
    for (const [index, code] of order.entries()) {
      expect(gravest(order.slice(index))).toBe(code);
      expect(gravest(order.slice(index).toReversed())).toBe(code);
    }
  });

  test('nothing happened: 0', () => {
    expect(gravest([])).toBe(0);
  });
});

describe('results', () => {
  const code = (...outcomes: HostOutcome[]) =>
    codeOfResults(outcomes.map((outcome, index): HostResult => result(`app${index}`, { outcome })));

  test.each([
    [[], 0],
    [['ok', 'changed'], 0],
    [['ok', 'failed', 'unreachable', 'locked'], 3],
    [['unreachable', 'locked', 'ok'], 4],
    [['locked', 'ok'], 6],
    [['failed', 'not-attempted'], 3],
    [['unreachable', 'not-attempted'], 4],
    [['interrupted', 'failed'], 130],
  ] as const)('%j is %i', (outcomes, expected) => {
    expect(code(...outcomes)).toBe(expected);
  });

  test('a host that was not attempted is no success, whatever the reason', () => {
    expect(code('ok', 'not-attempted')).toBe(EXIT.failed);
  });
});

describe('plans', () => {
  const withState = (state: HostPlanState, changes = 0): Plan =>
    plan(hostPlan('app1', { state, changes: Array.from({ length: changes }, () => change()) }));

  test('changes count as what the command says', () => {
    expect(codeOfPlan(withState('planned', 1), EXIT.drift)).toBe(2);
    expect(codeOfPlan(withState('planned', 1), EXIT.done)).toBe(0);
    expect(codeOfPlan(withState('planned'), EXIT.drift)).toBe(0);
  });

  test.each([
    ['refused', 3],
    ['failed', 3],
    ['unreachable', 4],
    ['locked', 6],
  ] as const)('a host that is %s is %i, before drift', (state, expected) => {
    expect(
      codeOfPlan(
        { ...withState(state), hosts: [...withState(state).hosts, ...withState('planned', 1).hosts] },
        EXIT.drift,
      ),
    ).toBe(expected);
  });
});
