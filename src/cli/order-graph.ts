import type { Farm } from '../model/farm.ts';
import type { Graph, GraphEdge, GraphNode } from '../report/graph.ts';
import type { Role } from '../role/define.ts';
import { nodeKey, orderNodes } from '../role/order.ts';
import { resolveFarm } from '../role/view.ts';

/**
 * The order of parts over the given hosts, drawn together by tier.
 * @throws FarmError if it runs in a circle
 */
export function orderGraph(farm: Farm, roles: ReadonlyMap<string, Role>, hosts: readonly string[]): Graph {
  const resolved = resolveFarm(farm, roles);
  const order = orderNodes(new Map(hosts.map((host) => [host, resolved.partsOf(host)])));
  const nodes = new Map<string, GraphNode & { hosts: string[] }>();
  const nodeOf = new Map<string, GraphNode>();
  for (const [key, { node }] of order) {
    const tier = farm.hosts.get(node.host)?.tier ?? '';
    const drawn = nodes.get(`${tier}\n${node.part}`) ?? { tier, part: node.part, hosts: [] };
    nodes.set(`${tier}\n${node.part}`, drawn);
    drawn.hosts.push(node.host);
    nodeOf.set(key, drawn);
  }
  const edges = new Map<string, GraphEdge>();
  for (const [key, { node, dependencies }] of order) {
    for (const dependency of dependencies) {
      const [from, to] = [nodeOf.get(nodeKey(dependency.node)), nodeOf.get(key)];
      if (from === undefined || to === undefined || from === to) continue;
      const isList = dependency.needs === 'order' && dependency.node.host === node.host;
      const needs = isList ? 'list' : dependency.needs;
      edges.set([from.tier, from.part, to.tier, to.part, needs].join('\n'), { from, to, needs });
    }
  }
  return { name: farm.name, nodes: [...nodes.values()], edges: [...edges.values()] };
}
