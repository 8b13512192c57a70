import { FarmError, problem } from '../model/diagnostic.ts';
import type { After, Role } from './define.ts';
import type { HostPart } from './view.ts';

/** One part on one host: what is planned and applied in one piece. */
export interface Node {
  readonly host: string;
  readonly part: string;
}

/** A node that must be finished before another begins; `needs`: its failure stops the other. */
export interface Dependency {
  readonly node: Node;
  readonly needs: 'order' | 'all' | 'any';
}

export function nodeKey(node: Node): string {
  return `${node.host}\n${node.part}`;
}

interface Order {
  readonly part: string;
  /** Undefined: the tier's list alone. */
  readonly needs: Dependency['needs'] | undefined;
}

/** Written out: a name alone only orders. */
export function asAfter(after: After): Order {
  if (typeof after === 'string') return { part: after, needs: 'order' };
  return { part: after.part, needs: 'needs' in after ? after.needs : undefined };
}

/** Whether a part is meant by a name: its own, or its role's. */
export function matches(part: string, wanted: string): boolean {
  return part === wanted || part.startsWith(`${wanted}/`);
}

/**
 * The dependencies of every node: the parts before it in its tier's list on the same host, and the parts that its own
 * `after` names on all hosts.
 * @throws FarmError `role/cycle` that names the circle, `role/order` where `after` contradicts a tier's list
 */
export function orderNodes(
  parts: ReadonlyMap<string, readonly HostPart[]>,
): ReadonlyMap<string, { readonly node: Node; readonly dependencies: readonly Dependency[] }> {
  const nodes: Node[] = [];
  const role = new Map<string, Role>();
  for (const [host, list] of parts)
    for (const one of list) {
      nodes.push({ host, part: one.part });
      role.set(one.part, one.role);
    }
  const graph = new Map<string, { node: Node; dependencies: Dependency[] }>();
  const byPart = Map.groupBy(nodes, (node) => node.part);
  // The same for every host of a part: made once, as there may be thousands of hosts on both sides.
  const elsewhere = new Map<string, readonly Dependency[]>();
  const dependenciesOf = (part: string, afters: readonly Order[]): readonly Dependency[] => {
    let known = elsewhere.get(part);
    if (known === undefined) {
      known = afters.flatMap(({ part: wanted, needs }) =>
        [...byPart].flatMap(([other, found]) =>
          needs !== undefined && other !== part && matches(other, wanted) ? found.map((node) => ({ node, needs })) : [],
        ),
      );
      elsewhere.set(part, known);
    }
    return known;
  };
  for (const [host, list] of parts) {
    for (const [index, { part, at }] of list.entries()) {
      const dependencies: Dependency[] = [];
      const before = list[index - 1];
      if (before !== undefined) dependencies.push({ node: { host, part: before.part }, needs: 'order' });
      const afters = (role.get(part)?.parts.get(part)?.after ?? []).map(asAfter);
      for (const after of afters) {
        const later = list.findIndex((one, at) => at > index && matches(one.part, after.part));
        if (later !== -1)
          throw new FarmError(
            problem(
              'role/order',
              'Order contradicts the tier',
              `On ${host} the tier lists ${part} before ${list[later]?.part ?? ''}, but ${part} comes after it.`,
              {
                host,
                ...(at === undefined ? {} : { at }),
                hint: `List ${list[later]?.part ?? ''} before ${part} in the tier's roles.`,
              },
            ),
          );
      }
      for (const one of dependenciesOf(part, afters)) dependencies.push(one);
      graph.set(nodeKey({ host, part }), { node: { host, part }, dependencies });
    }
  }
  refuseCircle(graph);
  return graph;
}

function refuseCircle(graph: ReadonlyMap<string, { node: Node; dependencies: readonly Dependency[] }>): void {
  const done = new Set<string>();
  const path: Node[] = [];
  const onPath = new Set<string>();
  const visit = (key: string): void => {
    const entry = graph.get(key);
    if (entry === undefined || done.has(key)) return;
    if (onPath.has(key)) {
      const from = path.findIndex((node) => nodeKey(node) === key);
      const circle = [...path.slice(from), entry.node].map((node) => `${node.part} on ${node.host}`);
      throw new FarmError(
        problem('role/cycle', 'Order runs in a circle', `${circle.join(' waits for ')}.`, {
          hint: "Take one `after` away, or change the order of a tier's roles.",
        }),
      );
    }
    onPath.add(key);
    path.push(entry.node);
    for (const { node } of entry.dependencies) visit(nodeKey(node));
    path.pop();
    onPath.delete(key);
    done.add(key);
  };
  for (const key of graph.keys()) visit(key);
}
