import { describe, expect, it } from 'vitest';
import { type Dependency, type Node, nodeKey } from '../../../src/role/order.ts';
import { orderOutlasting } from '../../../src/role/outlasting-order.ts';

interface Task {
  readonly node: Node;
  readonly dependencies: readonly Dependency[];
  readonly hasChanges: boolean;
}

const nodeOf = (name: string): Node => {
  const [part = '', host = ''] = name.split('@');
  return { host, part };
};

/** `part@host`, and what it waits for. */
function task(name: string, after: readonly string[] = [], hasChanges = true): Task {
  const dependencies = after.map((one): Dependency => ({ node: nodeOf(one), needs: 'order' }));
  return { node: nodeOf(name), dependencies, hasChanges };
}

function waits(tasks: readonly Task[], name: string): readonly string[] {
  const ordered = orderOutlasting(tasks, (part) => (part === 'nfs/server' ? ['nfs/client'] : []));
  const found = ordered.find(({ node }) => nodeKey(node) === nodeKey(nodeOf(name)));
  return (found?.dependencies ?? []).map(({ node, needs }) => `${node.part}@${node.host}${needs === 'all' ? '!' : ''}`);
}

/** web2 leaves; web1 stays as it is. */
const leaving = [
  task('nfs/server@nfs1'),
  task('nfs/client@web1', ['nfs/server@nfs1'], false),
  task('apache@web1', ['nfs/client@web1'], false),
  task('director@lb1', ['apache@web1']),
  task('apache (removal)@web2', ['director@lb1']),
  task('nfs/client (removal)@web2', ['apache (removal)@web2']),
];

describe('orderOutlasting', () => {
  it('lets a server keep what it gives until whoever leaves is gone', () => {
    expect(waits(leaving, 'nfs/server@nfs1')).toEqual(['nfs/client (removal)@web2!']);
    // The others wait as before; on their own host those without changes pass the order on.
    expect(waits(leaving, 'nfs/client@web1')).toEqual([]);
    expect(waits(leaving, 'apache@web1')).toEqual(['nfs/client@web1']);
    expect(waits(leaving, 'director@lb1')).toEqual(['apache@web1']);
  });

  it('does not wait where something new needs the server before', () => {
    const coming = leaving.map((one) => (one.node.host === 'web1' ? { ...one, hasChanges: true } : one));
    expect(waits(coming, 'nfs/server@nfs1')).toEqual([]);
  });

  it('sees that the hosts of a part take turns', () => {
    const two = [
      ...leaving,
      task('nfs/server@nfs2'),
      task('nfs/client@web3', ['nfs/server@nfs2']),
      task('apache@web3', ['nfs/client@web3']),
      task('director@lb2', ['apache@web3']),
    ];
    expect(waits(two, 'nfs/server@nfs1')).toEqual([]);
  });

  it('changes nothing where nobody leaves, or the server has nothing to change', () => {
    const staying = leaving.filter(({ node }) => node.host !== 'web2');
    const always = () => ['nfs/client'];
    expect(orderOutlasting(staying, always)).toBe(staying);
    const kept = leaving.map((one) => (one.node.host === 'nfs1' ? { ...one, hasChanges: false } : one));
    expect(waits(kept, 'nfs/client@web1')).toEqual(['nfs/server@nfs1']);
  });
});
