import type { LabLayout } from './host.ts';

/**
 * Reads an inventory and says what the lab makes of it.
 * @throws FarmError with every mistake of the inventory
 */
export async function layoutFromInventory(_inventoryPath: string): Promise<LabLayout> {
  throw new Error('not yet');
}
