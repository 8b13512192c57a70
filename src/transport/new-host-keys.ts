import type { Endpoint } from './endpoint.ts';
import type { HostKeys, NewHostKey } from './host-keys.ts';
import { TransportError } from './transport.ts';

/** A key that nobody knows yet, for the user to decide on. */
export interface Unreviewed extends NewHostKey {
  /** Writes it down. @throws TransportError */
  accept(): Promise<void>;
}

export interface UnknownKeysOptions {
  readonly hostKeys: HostKeys;
  /** The jump hosts of a host, the first one first, and itself. */
  readonly chainOf: (host: string) => Promise<readonly Endpoint[]>;
  /** The key that an endpoint shows before any login. */
  readonly look: (endpoint: Endpoint) => Promise<Buffer | undefined>;
}

/** The run tells what is wrong with a host; here it is only left out. */
async function unlessItFails<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}

/**
 * Finds the first endpoint of each chain of which nobody knows a key, and asks it for one. Endpoints that accept new
 * keys anyway are not asked about.
 */
export async function unknownKeys(
  hosts: readonly string[],
  { hostKeys, chainOf, look }: UnknownKeysOptions,
): Promise<readonly Unreviewed[]> {
  async function firstUnknown(host: string): Promise<Endpoint | undefined> {
    for (const endpoint of await chainOf(host)) {
      if (endpoint.pinned.length > 0 || (await hostKeys.lines(endpoint)).length > 0) continue;
      return endpoint.acceptNew ? undefined : endpoint;
    }
    return undefined;
  }

  const found = await Promise.all(hosts.map((host) => unlessItFails(() => firstUnknown(host))));
  const places = new Map<string, Endpoint>();
  for (const endpoint of found) {
    if (endpoint !== undefined) places.set(`${endpoint.address}:${endpoint.port}`, endpoint);
  }
  const keys = await Promise.all(
    [...places.values()].map(async (endpoint): Promise<readonly Unreviewed[]> => {
      const blob = await unlessItFails(() => look(endpoint));
      const described = blob === undefined ? undefined : hostKeys.describe(endpoint, blob);
      if (blob === undefined || described === undefined) return [];
      return [{ ...described, accept: () => hostKeys.accept(endpoint, blob) }];
    }),
  );
  return keys.flat();
}
