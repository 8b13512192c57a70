import type { After } from './define.ts';
import { asAfter, type Dependency, matches, type Node, nodeKey } from './order.ts';

/** The name under which the removals of a part are made, beside what is made of it. */
export function removalOf(part: string): string {
  return `${part} (removal)`;
}

/** A host's parts as far as the order of removals depends on them. */
export interface HostRemovals {
  readonly host: string;
  /** The parts that the host has. */
  readonly parts: readonly string[];
  /** The parts of which something is taken away, in the order in which that is done. */
  readonly removed: readonly string[];
}

/**
 * The dependencies of what is removed: after everything that is made on the host, after the earlier removals there, and
 * after every part of any host that comes after the removed one. So a director forgets a real server before that gives
 * up its address, and a failure of the director leaves it there. Parts that the host has or had itself are only waited
 * for: between those the order on the host counts.
 */
export function orderRemovals(
  hosts: readonly HostRemovals[],
  afterOf: (part: string) => readonly After[],
): ReadonlyMap<string, { readonly node: Node; readonly dependencies: readonly Dependency[] }> {
  const graph = new Map<string, { readonly node: Node; readonly dependencies: Dependency[] }>();
  const made = Map.groupBy(
    hosts.flatMap(({ host, parts }) => parts.map((part): Node => ({ host, part }))),
    ({ part }) => part,
  );
  const taken = Map.groupBy(
    hosts.flatMap(({ host, removed }) => removed.map((part): Node => ({ host, part }))),
    ({ part }) => part,
  );
  const known = new Set([...made.keys(), ...taken.keys()]);
  for (const { host, parts, removed } of hosts) {
    let before: readonly Node[] = parts.map((part) => ({ host, part }));
    for (const part of removed) {
      const node = { host, part: removalOf(part) };
      const dependencies = before.map((one): Dependency => ({ node: one, needs: 'order' }));
      graph.set(nodeKey(node), { node, dependencies });
      before = [node];
    }
  }
  /** Whether `from` waits for `to`, by however many steps. Only removals wait for removals. */
  const waitsFor = (from: string, to: string): boolean =>
    from === to || (graph.get(from)?.dependencies ?? []).some(({ node }) => waitsFor(nodeKey(node), to));

  for (const { host, parts, removed } of hosts)
    for (const part of removed) {
      const entry = graph.get(nodeKey({ host, part: removalOf(part) }));
      if (entry === undefined) continue;
      const later = [...known].filter(
        (other) =>
          other !== part &&
          afterOf(other)
            .map(asAfter)
            .some((one) => one.needs !== undefined && matches(part, one.part)),
      );
      for (const other of later) {
        const needs = parts.includes(other) || removed.includes(other) ? 'order' : 'all';
        for (const node of made.get(other) ?? []) if (node.host !== host) entry.dependencies.push({ node, needs });
        for (const one of taken.get(other) ?? []) {
          const node = { host: one.host, part: removalOf(other) };
          // What was made in another order than the one of today cannot always be taken away in today's.
          const isCircle = waitsFor(nodeKey(node), nodeKey(entry.node));
          if (one.host !== host && !isCircle) entry.dependencies.push({ node, needs });
        }
      }
    }
  return graph;
}
