import { type Endpoint, parseHop, resolveHop } from './endpoint.ts';
import type { SshConfigLookup } from './ssh-config.ts';
import type { SshLink } from './ssh-link.ts';
import { TransportError } from './transport.ts';

/** The way to one endpoint: its hops, the first one first, each with the hops of its own already in front. */
export type Route = readonly Endpoint[];

const MAX_HOPS = 8;

/**
 * The hops in front of an endpoint. A hop that is a host of the inventory is reached as that host is; the first hop's
 * own ProxyJump counts too, as it does with ssh.
 * @param known finds a hop among the inventory's hosts
 * @throws TransportError for a circle, and for more than 8 hops
 */
export async function routeTo(
  endpoint: Endpoint,
  lookup: SshConfigLookup,
  known: (host: string) => Promise<Endpoint | undefined>,
): Promise<Route> {
  const route: Endpoint[] = [];
  let before = endpoint;
  while (before.jump.length > 0) {
    const hops: Endpoint[] = [];
    for (const text of before.jump) {
      const spec = parseHop(text);
      const fromFarm = spec.user === undefined && spec.port === undefined ? await known(spec.host) : undefined;
      const hop = fromFarm ?? (await resolveHop(spec, before.usesConfig, lookup));
      // A setting of the whole farm names the jump host for itself too.
      if (hop.address === before.address && hop.port === before.port) break;
      hops.push(hop);
    }
    if (hops.length === 0) break;
    route.unshift(...hops);
    const names = new Set([endpoint, ...route].map((one) => `${one.address}:${one.port}`));
    if (names.size !== route.length + 1 || route.length > MAX_HOPS) {
      throw new TransportError(
        'unreachable',
        `The jump hosts in front of ${endpoint.label} run in a circle or are more than ${MAX_HOPS}: ${route.map((one) => one.name).join(', ')}.`,
        'Correct ProxyJump in the ssh configuration, or the jump hosts in the inventory.',
      );
    }
    const [first] = route;
    if (first === undefined) break;
    before = first;
  }
  return route;
}

/** Which implementation of the protocol logs in. */
export type Client = 'ssh2' | 'openssh';

/** Logs in at an endpoint, directly or over the stream of the hop before it. */
export type OpenEndpoint = (endpoint: Endpoint, over: SshLink | undefined, client: Client) => Promise<SshLink>;

/** A link that serves several hosts. */
export interface SharedLink {
  readonly link: SshLink;
  /** Gives it back; the last one closes it. */
  release(): void;
}

/** Keeps the links to jump hosts while they are used, so that one login at a hop serves all hosts behind it. */
export interface JumpLinks {
  /** The link to the last hop of the route, logged in where needed. `clients`: one for each hop. */
  open(route: Route, clients: readonly Client[]): Promise<SharedLink | undefined>;
}

/** A hop that serves nobody is kept this long: the next host may come at once. */
const LINGER_MS = 200;

/** A hop that did not let us in is not asked again this long, or each of its hosts would wait for the deadline anew. */
const FAILED_MS = 30_000;

interface Entry {
  readonly link: Promise<SshLink>;
  users: number;
}

/** @param open how to log in at one hop, with a deadline of its own: a host that gives up must not take the hop along */
export function jumpLinks(open: OpenEndpoint): JumpLinks {
  const entries = new Map<string, Entry>();

  function enter(key: string, endpoint: Endpoint, client: Client, before: SharedLink | undefined): Entry {
    const link = open(endpoint, before?.link, client);
    const entry: Entry = { link, users: 0 };
    entries.set(key, entry);
    const forget = () => {
      if (entries.get(key) === entry) entries.delete(key);
    };
    link.then(
      (opened) => opened.lost.catch(forget),
      () => setTimeout(forget, FAILED_MS).unref(),
    );
    // The failure is remembered, the hop before it is not held for that: its link would keep the process up.
    link.then((opened) => opened.lost).catch(() => before?.release());
    return entry;
  }

  function releaser(entry: Entry): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      entry.users -= 1;
      if (entry.users > 0) return;
      const close = () => {
        if (entry.users > 0) return;
        entry.link.then(
          (link) => link.close(),
          () => {},
        );
      };
      setTimeout(close, LINGER_MS);
    };
  }

  async function openHop(route: Route, clients: readonly Client[], index: number): Promise<SharedLink | undefined> {
    const endpoint = route[index];
    if (endpoint === undefined) return undefined;
    const clientAt = (at: number): Client => clients[at] ?? 'ssh2';
    const key = route
      .slice(0, index + 1)
      .map((one, at) => `${clientAt(at)} ${one.user}@${one.address}:${one.port}`)
      .join(' ');
    let entry = entries.get(key);
    if (entry === undefined) {
      const before = await openHop(route, clients, index - 1);
      entry = entries.get(key);
      if (entry === undefined) entry = enter(key, endpoint, clientAt(index), before);
      else before?.release();
    }
    entry.users += 1;
    const release = releaser(entry);
    try {
      return { link: await entry.link, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  return { open: (route, clients) => openHop(route, clients, route.length - 1) };
}
