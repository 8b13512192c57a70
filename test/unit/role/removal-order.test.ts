import { describe, expect, it } from 'vitest';
import type { After } from '../../../src/role/define.ts';
import { nodeKey } from '../../../src/role/order.ts';
import { type HostRemovals, orderRemovals, removalOf } from '../../../src/role/removal-order.ts';

const AFTER: Record<string, readonly After[]> = {
  'lvs-dr/director': ['lvs-dr/real', 'apache'],
  apache: ['nfs/client'],
  'nfs/client': ['nfs/server'],
};

/** What the removal of a part waits for, as `part@host` with a `!` where a failure there stops it. */
function waits(hosts: readonly HostRemovals[], host: string, part: string, after = AFTER): readonly string[] {
  const graph = orderRemovals(hosts, (name) => after[name] ?? []);
  const entry = graph.get(nodeKey({ host, part: removalOf(part) }));
  return (entry?.dependencies ?? []).map(({ node, needs }) => `${node.part}@${node.host}${needs === 'all' ? '!' : ''}`);
}

describe('orderRemovals', () => {
  const farm: readonly HostRemovals[] = [
    { host: 'lb1', parts: ['lvs-dr/director'], removed: [] },
    { host: 'web1', parts: ['nfs/client', 'apache', 'lvs-dr/real'], removed: [] },
    { host: 'web2', parts: [], removed: ['lvs-dr/real', 'apache', 'nfs/client'] },
  ];

  it('takes a real server away once the directors have forgotten it, and not if they could not', () => {
    expect(waits(farm, 'web2', 'lvs-dr/real')).toEqual(['lvs-dr/director@lb1!']);
    expect(waits(farm, 'web2', 'apache')).toEqual(['lvs-dr/real (removal)@web2', 'lvs-dr/director@lb1!']);
  });

  it('is not stopped by a failure elsewhere of a part that the host itself had', () => {
    expect(waits(farm, 'web2', 'nfs/client')).toEqual(['apache (removal)@web2', 'apache@web1']);
  });

  it('comes after all that is made on the host', () => {
    const hosts = [{ host: 'web1', parts: ['base', 'cache'], removed: ['apache'] }];
    expect(waits(hosts, 'web1', 'apache')).toEqual(['base@web1', 'cache@web1']);
  });

  it('takes what comes after away first where both go, on whatever host', () => {
    const hosts = [
      { host: 'lb1', parts: [], removed: ['lvs-dr/director'] },
      { host: 'web1', parts: [], removed: ['lvs-dr/real'] },
    ];
    expect(waits(hosts, 'web1', 'lvs-dr/real')).toEqual(['lvs-dr/director (removal)@lb1!']);
    expect(waits(hosts, 'lb1', 'lvs-dr/director')).toEqual([]);
  });

  it('never waits in a circle where hosts were made in contrary orders', () => {
    const hosts = [
      { host: 'a', parts: [], removed: ['one', 'two'] },
      { host: 'b', parts: [], removed: ['three', 'four'] },
    ];
    const after = { four: ['one'], two: ['three'] };
    expect(waits(hosts, 'a', 'one', after)).toEqual(['four (removal)@b!']);
    expect(waits(hosts, 'b', 'three', after)).toEqual([]);
  });
});
