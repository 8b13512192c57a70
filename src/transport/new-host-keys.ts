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
 * Finds the first endpoint of each chain that shows a key which nobody knows. Endpoints that accept new keys anyway are
 * not asked for theirs.
 */
export async function unknownKeys(
  hosts: readonly string[],
  { hostKeys, chainOf, look }: UnknownKeysOptions,
): Promise<readonly Unreviewed[]> {
  const looked = new Map<string, Promise<Unreviewed | undefined>>();

  async function lookOnce(endpoint: Endpoint): Promise<Unreviewed | undefined> {
    const blob = await look(endpoint);
    const described = blob === undefined ? undefined : await hostKeys.asNew(endpoint, blob);
    if (blob === undefined || described === undefined) return undefined;
    return { ...described, accept: () => hostKeys.accept(endpoint, blob) };
  }

  function newKeyOf(endpoint: Endpoint): Promise<Unreviewed | undefined> {
    const place = `${endpoint.address}:${endpoint.port}`;
    const key = looked.get(place) ?? lookOnce(endpoint);
    looked.set(place, key);
    return key;
  }

  async function firstNew(host: string): Promise<Unreviewed | undefined> {
    for (const endpoint of await chainOf(host)) {
      if (await hostKeys.isKnown(endpoint)) continue;
      if (endpoint.acceptNew) return undefined;
      const key = await newKeyOf(endpoint);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  const found = await Promise.all(hosts.map((host) => unlessItFails(() => firstNew(host))));
  return [...new Set(found)].filter((key) => key !== undefined);
}
