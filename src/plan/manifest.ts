import { sha256 } from '../lib/digest.ts';
import type { Resource } from '../resource/define.ts';
import { recorded } from '../resource/recorded.ts';

/** What farmctl put on a host, one entry a resource, kept on that host. Holds no secret. */
export interface ManifestEntry {
  readonly farm: string;
  readonly part: string;
  readonly type: string;
  readonly id: string;
  /** Where it stood in the order of the host's resources. */
  readonly position: number;
  /** The service whose set it belongs to, as `type id`. */
  readonly set?: string;
  readonly arguments: unknown;
}

/** The file name of an entry on the host. */
export function manifestKey(entry: { readonly type: string; readonly id: string }): string {
  return sha256(`${entry.type}\n${entry.id}`).slice(0, 32);
}

/**
 * The entry of a resource.
 * @param set the service whose set it belongs to
 * @param position in the order of the host's resources; removal goes backwards
 */
export function manifestEntry(
  farm: string,
  part: string,
  resource: Resource,
  set: Resource | undefined,
  position: number,
): ManifestEntry {
  return {
    farm,
    part,
    type: resource.type.type,
    id: resource.id,
    position,
    ...(set === undefined ? {} : { set: `${set.type.type} ${set.id}` }),
    arguments: recorded(resource.desired),
  };
}

/** Reads the entries as the host sent them. Lines that are not entries are passed over: they came from elsewhere. */
export function parseManifest(text: string): readonly ManifestEntry[] {
  const entries: ManifestEntry[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const entry = parseEntry(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function parseEntry(line: string): ManifestEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { farm, part, type, id, set, position, arguments: given } = value as Record<string, unknown>;
  if (typeof farm !== 'string' || typeof part !== 'string' || typeof type !== 'string' || typeof id !== 'string')
    return undefined;
  return {
    farm,
    part,
    type,
    id,
    position: typeof position === 'number' ? position : 0,
    arguments: given,
    ...(typeof set === 'string' ? { set } : {}),
  };
}
