import { projectDirectory } from '../../src/cli/project.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { FarmError, hasErrors } from '../../src/model/diagnostic.ts';
import { loadRoles } from '../../src/role/load.ts';
import type { ChosenKinds, LabLayout } from './host.ts';
import { layoutOf } from './layout.ts';

/**
 * Reads an inventory (a file, a folder, or a name under `inventories/`) and says what the lab makes of it.
 * @throws FarmError with every mistake of the inventory, and what keeps the lab from building it
 */
export async function layoutFromInventory(source: string, kinds: ChosenKinds = {}): Promise<LabLayout> {
  const { roles, diagnostics } = await loadRoles(projectDirectory(source, process.cwd()));
  const loaded = await loadInventory(source, { roles, environment: process.env });
  if (loaded.farm !== undefined && !hasErrors(loaded.diagnostics)) return layoutOf(loaded.farm, kinds);
  throw new FarmError([...diagnostics, ...loaded.diagnostics]);
}
