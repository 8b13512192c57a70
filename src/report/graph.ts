import { hostList } from './host-list.ts';
import { count } from './text.ts';

/** A part in a tier: what a graph of hundreds of hosts still shows well. */
export interface GraphNode {
  readonly tier: string;
  readonly part: string;
  readonly hosts: readonly string[];
}

/** `from` before `to`. `list`: as the tier's list says; the others as `after` says, and what its failure stops. */
export interface GraphEdge {
  readonly from: GraphNode;
  readonly to: GraphNode;
  readonly needs: 'list' | 'order' | 'all' | 'any';
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

const LABELS = { list: '', order: '', all: 'needs all', any: 'needs any' } as const;

/** For Graphviz: `farmctl inventory --graph dot | dot -Tsvg`. */
export function graphDot({ name, nodes, edges }: Graph): string {
  const ids = numbered(nodes);
  const lines = [`digraph ${quoted(name)} {`, '  rankdir=LR;', '  node [shape=box, style=rounded];'];
  for (const [index, [tier, ofTier]] of [...Map.groupBy(nodes, (node) => node.tier)].entries()) {
    lines.push(`  subgraph cluster_${index} {`, `    label=${quoted(tierLabel(tier, ofTier))};`);
    for (const node of ofTier) lines.push(`    ${ids.get(node)} [label=${quoted(node.part)}];`);
    lines.push('  }');
  }
  for (const { from, to, needs } of edges) {
    const label = LABELS[needs] === '' ? '' : `, label=${quoted(LABELS[needs])}`;
    lines.push(`  ${ids.get(from)} -> ${ids.get(to)} [style=${needs === 'list' ? 'solid' : 'dashed'}${label}];`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** For Markdown pages that draw Mermaid. */
export function graphMermaid({ nodes, edges }: Graph): string {
  const ids = numbered(nodes);
  const lines = ['flowchart LR'];
  for (const [index, [tier, ofTier]] of [...Map.groupBy(nodes, (node) => node.tier)].entries()) {
    lines.push(`  subgraph t${index}[${quoted(tierLabel(tier, ofTier))}]`);
    for (const node of ofTier) lines.push(`    ${ids.get(node)}[${quoted(node.part)}]`);
    lines.push('  end');
  }
  for (const { from, to, needs } of edges) {
    const arrow = needs === 'list' ? '-->' : LABELS[needs] === '' ? '-.->' : `-. ${LABELS[needs]} .->`;
    lines.push(`  ${ids.get(from)} ${arrow} ${ids.get(to)}`);
  }
  return `${lines.join('\n')}\n`;
}

function tierLabel(tier: string, nodes: readonly GraphNode[]): string {
  const hosts = [...new Set(nodes.flatMap((node) => node.hosts))];
  return `${tier} (${count(hosts.length, 'host')}: ${hostList(hosts, 3)})`;
}

const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', "'")}"`;

const numbered = (nodes: readonly GraphNode[]) => new Map(nodes.map((node, index) => [node, `n${index}`]));
