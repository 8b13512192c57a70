import { describe, expect, it } from 'vitest';
import { FarmError } from '../../../src/model/diagnostic.ts';
import { t } from '../../../src/model/schema.ts';
import { type After, defineRole, type Role } from '../../../src/role/define.ts';
import { orderNodes } from '../../../src/role/order.ts';

function role(name: string, after: readonly After[] = []): Role {
  return defineRole({
    name,
    summary: name,
    systems: ['debian-12'],
    variables: t.object({}),
    after,
    resources: () => [],
  });
}

/** `{ a: ['x', 'y'] }` with roles by name: host a has the parts x and y, in that order. */
function order(tiers: Readonly<Record<string, readonly string[]>>, roles: readonly Role[]) {
  const byName = new Map(roles.map((one) => [one.name, one]));
  const parts = new Map(
    Object.entries(tiers).map(([host, names]) => [
      host,
      names.map((part) => ({ part, role: byName.get(part) ?? role(part) })),
    ]),
  );
  const waits: Record<string, string[]> = {};
  for (const { node, dependencies } of orderNodes(parts).values())
    waits[`${node.part}@${node.host}`] = dependencies.map((one) => `${one.node.part}@${one.node.host} ${one.needs}`);
  return waits;
}

function refusal(tiers: Readonly<Record<string, readonly string[]>>, roles: readonly Role[]) {
  try {
    order(tiers, roles);
  } catch (error) {
    if (error instanceof FarmError) return error.diagnostics[0];
    throw error;
  }
  return undefined;
}

describe('orderNodes', () => {
  it('follows the tier on a host and `after` across hosts', () => {
    const waits = order({ a: ['base', 'web'], n1: ['nfs'], n2: ['nfs'] }, [
      role('web', [{ part: 'nfs', needs: 'any' }]),
    ]);
    expect(waits).toEqual({
      'base@a': [],
      'web@a': ['base@a order', 'nfs@n1 any', 'nfs@n2 any'],
      'nfs@n1': [],
      'nfs@n2': [],
    });
  });

  it('follows the tier alone where the order counts on one host', () => {
    const roles = [role('web', [{ part: 'vip', on: 'same-host' }])];
    expect(order({ a: ['vip', 'web'], b: ['vip'], c: ['web'] }, roles)).toEqual({
      'vip@a': [],
      'web@a': ['vip@a order'],
      'vip@b': [],
      'web@c': [],
    });
    expect(refusal({ a: ['web', 'vip'] }, roles)?.code).toBe('role/order');
  });

  it('names the circle', () => {
    const found = refusal({ a: ['one'], b: ['two'], c: ['three'] }, [
      role('one', ['two']),
      role('two', ['three']),
      role('three', ['one']),
    ]);
    expect(found?.code).toBe('role/cycle');
    expect(found?.detail).toBe('one on a waits for two on b waits for three on c waits for one on a.');
  });

  it('refuses an order that the tier turns round, and says what to do', () => {
    const found = refusal({ a: ['web', 'nfs'] }, [role('web', ['nfs'])]);
    expect(found).toMatchObject({ code: 'role/order', hint: "List nfs before web in the tier's roles." });
  });
});
