import { type Dependency, type Node, nodeKey } from './order.ts';
import { removalOf } from './removal-order.ts';

/** What is done of one part on one host, made or taken away. */
interface Task {
  readonly node: Node;
  readonly dependencies: readonly Dependency[];
  readonly hasChanges: boolean;
}

/**
 * Lets a part wait for what is taken away of the parts that it outlasts, on other hosts: an NFS server goes on exporting
 * to a host that leaves until the balancers have forgotten that host and it has unmounted. The balancers too come after the
 * server, by way of the hosts that stay: so what has nothing to change passes no order on between hosts then. A wait that
 * would close a circle all the same, as when one host comes and another one leaves, is left out.
 * @returns the tasks in the same order; the very same ones where nothing is outlasted
 */
export function orderOutlasting<T extends Task>(
  tasks: readonly T[],
  outlastsOf: (part: string) => readonly string[],
): readonly T[] {
  const waits = tasks.flatMap((task) => {
    const removals = task.hasChanges ? outlastsOf(task.node.part).map(removalOf) : [];
    const outlasted = tasks.filter(({ node }) => removals.includes(node.part) && node.host !== task.node.host);
    return outlasted.map((removal) => ({ task, removal }));
  });
  if (waits.length === 0) return tasks;
  const dependencies = new Map(tasks.map((task) => [nodeKey(task.node), ownDependencies(task)]));
  const byKey = new Map(tasks.map((task) => [nodeKey(task.node), task]));
  const changing = Map.groupBy(
    tasks.filter((task) => task.hasChanges),
    ({ node }) => node.part,
  );

  /** Whether a task waits for one of that part, by however many steps; the hosts of a part may wait for each other. */
  const waitsFor = (from: Task, part: string): boolean => {
    const seen = new Set<string>();
    const open: Task[] = [from];
    for (let task = open.pop(); task !== undefined; task = open.pop()) {
      const key = nodeKey(task.node);
      if (seen.has(key)) continue;
      seen.add(key);
      if (task.hasChanges && task.node.part === part) return true;
      if (task.hasChanges) open.push(...(changing.get(task.node.part) ?? []));
      for (const { node } of dependencies.get(key) ?? []) {
        const next = byKey.get(nodeKey(node));
        if (next !== undefined) open.push(next);
      }
    }
    return false;
  };
  for (const { task, removal } of waits)
    if (!waitsFor(removal, task.node.part))
      dependencies.get(nodeKey(task.node))?.push({ node: removal.node, needs: 'all' });
  return tasks.map((task) => ({ ...task, dependencies: dependencies.get(nodeKey(task.node)) ?? task.dependencies }));
}

function ownDependencies({ node: { host }, dependencies, hasChanges }: Task): Dependency[] {
  return dependencies.filter(({ node, needs }) => hasChanges || needs !== 'order' || node.host === host);
}
