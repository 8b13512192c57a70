import type { Diagnostic } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import type { Farm } from '../model/farm.ts';
import type { FileOperation } from '../resource/change.ts';
import type { Role } from '../role/define.ts';
import { orderNodes } from '../role/order.ts';
import { resolveFarm } from '../role/view.ts';
import type { Templates } from '../template/render.ts';
import { desiredOf, needsFacts, withMembers } from './desired.ts';

/** One file that a part wants on a host. */
export interface RenderedFile {
  readonly host: string;
  readonly part: string;
  readonly file: Extract<FileOperation, { kind: 'file' | 'symlink' }>;
}

/** Everything that can be said of a farm without talking to a host. */
export interface OfflineView {
  readonly files: readonly RenderedFile[];
  readonly diagnostics: readonly Diagnostic[];
  /** Hosts and parts that were left out because they need facts of their host, and none were given. */
  readonly withoutFacts: ReadonlyArray<{ readonly host: string; readonly part: string }>;
}

/**
 * Renders the files of the given hosts offline. Pure.
 * @param facts of hosts by name, for parts that ask for them
 * @throws FarmError if the order of the parts runs in a circle
 */
export function renderFarm(
  farm: Farm,
  roles: ReadonlyMap<string, Role>,
  templates: Templates,
  hosts: readonly string[],
  facts: ReadonlyMap<string, Facts> = new Map(),
): OfflineView {
  const resolved = resolveFarm(farm, roles);
  orderNodes(new Map([...farm.hosts.keys()].map((name) => [name, resolved.partsOf(name)])));
  const files: RenderedFile[] = [];
  const diagnostics: Diagnostic[] = [];
  const withoutFacts: { host: string; part: string }[] = [];
  for (const host of hosts) {
    const known = facts.get(host);
    const missing =
      known === undefined
        ? resolved
            .partsOf(host)
            .filter((one) => needsFacts([one]))
            .map((one) => one.part)
        : [];
    withoutFacts.push(...missing.map((part) => ({ host, part })));
    const desired = desiredOf(farm, resolved, host, templates, known, (part) => !missing.includes(part));
    diagnostics.push(...desired.diagnostics);
    for (const { part, resources } of desired.parts)
      for (const resource of resources.flatMap(withMembers)) {
        if (resource.type.members !== undefined) continue;
        for (const file of resource.type.apply(resource.desired, undefined, []).files ?? [])
          if (file.kind === 'file' || file.kind === 'symlink') files.push({ host, part, file });
      }
  }
  return { files, diagnostics, withoutFacts };
}
