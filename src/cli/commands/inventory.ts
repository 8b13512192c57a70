import { graphDot, graphMermaid } from '../../report/graph.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { inventoryJson, renderInventory } from '../../report/inventory-view.ts';
import { resolveFarm } from '../../role/view.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { SelectionFlags } from '../options.ts';
import { orderGraph } from '../order-graph.ts';
import { openProject } from '../project.ts';
import { selectedHosts } from '../selection.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import type { Terminal } from '../terminal.ts';

export type InventoryCommandFlags = SelectionFlags & {
  readonly json?: true | undefined;
  readonly graph?: 'dot' | 'mermaid' | undefined;
};

/** `farmctl inventory` */
export async function inventory(flags: InventoryCommandFlags, terminal: Terminal): Promise<ExitCode> {
  const { farm, roles, diagnostics } = await openProject(flags, terminal);
  await showDiagnostics(diagnostics, terminal, Number(flags.verbose) > 0);
  const hosts = selectedHosts(farm, roles, flags);
  const resolved = resolveFarm(farm, roles);
  const view = { farm, hosts, partsOf: (host: string) => resolved.partsOf(host).map(({ part }) => part) };
  if (flags.listHosts) terminal.out(renderHostNames(hosts));
  else if (flags.graph === 'dot') terminal.out(graphDot(orderGraph(farm, roles, hosts)));
  else if (flags.graph === 'mermaid') terminal.out(graphMermaid(orderGraph(farm, roles, hosts)));
  else if (flags.json) terminal.out(inventoryJson(view));
  else terminal.out(renderInventory(view, terminal.outStyle));
  return EXIT.done;
}
