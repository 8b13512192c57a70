import type { Secret } from '../model/secret.ts';
import { abortReason, throwIfAborted, unlessAborted } from './abort.ts';
import type { AskAnswer } from './authentication.ts';
import { becomeOf } from './become.ts';
import { whyOpenSsh } from './client-choice.ts';
import { type Endpoint, resolveTarget, type SshTarget } from './endpoint.ts';
import { hostKeysOf, type NewHostKey } from './host-keys.ts';
import type { AskPassphrase } from './identities.ts';
import { type Client, jumpLinks, routeTo, type SharedLink } from './jump.ts';
import { type Unreviewed, unknownKeys } from './new-host-keys.ts';
import { sshClients } from './ssh-clients.ts';
import { sshConfigLookup } from './ssh-config.ts';
import type { SshLink } from './ssh-link.ts';
import { startShell } from './start.ts';
import { type Transport, TransportError } from './transport.ts';

/** What a run brings along to log in at its hosts. */
export interface SshOptions {
  /** The inventory's word on a host; undefined for a name that it does not have (a jump host). */
  readonly target: (host: string) => SshTarget | undefined;
  /** The login's password (-k). */
  readonly password?: Secret;
  /** Asks the user for a key file's passphrase. */
  readonly askPassphrase?: AskPassphrase;
  readonly askAnswer?: AskAnswer;
  /** Hears of each key that accept-new wrote down. */
  readonly onNewHostKey?: (key: NewHostKey) => void;
  /** As `ssh -F`; the user's and the system's where absent. */
  readonly sshConfigFile?: string;
  /** Where the answers of `ssh -G` are kept from run to run; absent: nowhere. */
  readonly cacheFolder?: string;
  /** Instead of those that the ssh configuration names. */
  readonly knownHostsFile?: string;
  /** Milliseconds for one host from its turn to its login, time for questions to the user not counted; 10,000. */
  readonly connectDeadlineMs?: number;
  /** Milliseconds from a start to its ready line, sudo included; 10,000. */
  readonly startDeadlineMs?: number;
  /** Milliseconds between two questions whether the host is still there; it is given up after four; 10,000. */
  readonly keepaliveMs?: number;
  /** Handshakes at once; 32. */
  readonly handshakes?: number;
  /** `openssh`: OpenSSH's own client for every host; absent: only where it must be. */
  readonly client?: Client;
}

/** The transport over ssh, with what it can say of hosts before a run. */
export interface SshTransport extends Transport {
  /**
   * The keys of those hosts, and of their jump hosts, of which nobody knows any; found by asking each for its key
   * alone. A host that cannot be reached is left out: the run will tell. Jump hosts come before those behind them,
   * which show their keys only once the jump host's is accepted.
   */
  unknownHostKeys(hosts: readonly string[], signal: AbortSignal): Promise<readonly Unreviewed[]>;
}

/** There is one terminal: questions of several hosts come one after the other. */
function questionsInTurn(): <T>(ask: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (ask) => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
}

/** A way to an endpoint: its hops, and who logs in at each and at the endpoint itself. */
interface Way {
  readonly endpoint: Endpoint;
  readonly hops: readonly Endpoint[];
  readonly clients: readonly Client[];
  readonly client: Client;
}

/**
 * Transport over ssh: by the library ssh2, and by OpenSSH's own client for what only that can do (certificates,
 * ProxyCommand, algorithms that the library lacks).
 */
export function sshTransport(options: SshOptions): SshTransport {
  const lookup = sshConfigLookup(options.sshConfigFile, options.cacheFolder);
  const inTurn = questionsInTurn();
  const { askAnswer, askPassphrase } = options;
  const hostKeys = hostKeysOf(options.knownHostsFile, options.onNewHostKey);
  const clients = sshClients({
    hostKeys,
    askPassphrase: askPassphrase && ((path, isAgain) => inTurn(() => askPassphrase(path, isAgain))),
    askAnswer: askAnswer && ((...words) => inTurn(() => askAnswer(...words))),
    configFile: options.sshConfigFile,
    knownHostsFile: options.knownHostsFile,
    connectDeadlineMs: options.connectDeadlineMs ?? 10_000,
    keepaliveMs: options.keepaliveMs ?? 10_000,
    handshakes: options.handshakes ?? 32,
  });

  const jumps = jumpLinks((endpoint, over, client) =>
    clients.login(client, endpoint, {
      over,
      // The password is for the farm's hosts, not for whoever stands before them.
      password: options.target(endpoint.name) === undefined ? undefined : options.password,
      // A host that gives up must not take along a hop that others use.
      signal: new AbortController().signal,
    }),
  );

  async function clientFor(endpoint: Endpoint): Promise<Client> {
    const why = await whyOpenSsh(endpoint, await hostKeys.lines(endpoint), clients.identities);
    return why === undefined ? 'ssh2' : 'openssh';
  }

  /** OpenSSH's client goes only through its own kind, so all hops before one that needs it are its own too. */
  async function wayTo(endpoint: Endpoint, all: Client | undefined): Promise<Way> {
    const hops = await routeTo(endpoint, lookup, async (name) => {
      const target = options.target(name);
      return target === undefined ? undefined : await resolveTarget(target, lookup);
    });
    const chain = [...hops, endpoint];
    const wanted = all === undefined ? await Promise.all(chain.map(clientFor)) : chain.map(() => all);
    const last = wanted.lastIndexOf('openssh');
    const chosen = chain.map((_, index): Client => (index <= last ? 'openssh' : 'ssh2'));
    return { endpoint, hops, clients: chosen, client: chosen.at(-1) ?? 'ssh2' };
  }

  async function openHops({ endpoint, hops, clients: chosen }: Way): Promise<SharedLink | undefined> {
    try {
      return await jumps.open(hops, chosen);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const message = `On the way to ${endpoint.label}: ${error.message}`;
      throw new TransportError(error.failure, message, error.hint, { cause: error, hostKey: error.hostKey });
    }
  }

  /** The hops, then what `work` does behind them; they are given back where it fails. */
  async function behindHops<T>(
    way: Way,
    signal: AbortSignal,
    work: (over: SshLink | undefined) => Promise<T>,
  ): Promise<{ value: T; release: () => void }> {
    const hop = await unlessAborted(openHops(way), signal, (late) => late?.release());
    try {
      return { value: await work(hop?.link), release: () => hop?.release() };
    } catch (error) {
      hop?.release();
      throw signal.aborted ? abortReason(signal) : error;
    }
  }

  async function open(way: Way, signal: AbortSignal): Promise<SshLink> {
    const { value: link, release } = await behindHops(way, signal, (over) =>
      clients.login(way.client, way.endpoint, { over, password: options.password, signal }),
    );
    link.lost.catch(release);
    return link;
  }

  /** By the fitting client; where that turns out to lack something, by OpenSSH's. */
  async function openFitting(endpoint: Endpoint, signal: AbortSignal): Promise<SshLink> {
    const way = await wayTo(endpoint, options.client);
    try {
      return await open(way, signal);
    } catch (error) {
      const isBeyondUs = error instanceof TransportError && error.failure === 'unsupported';
      if (!isBeyondUs || way.client === 'openssh') throw error;
      return await open(await wayTo(endpoint, 'openssh'), signal);
    }
  }

  return {
    async connect(host, signal) {
      throwIfAborted(signal);
      const target = options.target(host);
      if (target === undefined) throw new Error(`connect was asked for ${host}, which the inventory does not have`);
      const endpoint = await resolveTarget(target, lookup);
      const link = await openFitting(endpoint, signal);
      const become = becomeOf(target.become, endpoint.user);
      const deadlineMs = options.startDeadlineMs ?? 10_000;
      return {
        start: (command) =>
          startShell(command, { label: endpoint.label, become, deadlineMs }, (line) => link.exec(line)),
        forward: (address, port) => link.forward(address, port),
        close: () => link.close(),
      };
    },
    unknownHostKeys: (hosts, signal) =>
      unknownKeys(hosts, {
        hostKeys,
        async chainOf(host) {
          const target = options.target(host);
          if (target === undefined) return [];
          const { endpoint, hops } = await wayTo(await resolveTarget(target, lookup), options.client);
          return [...hops, endpoint];
        },
        async look(endpoint) {
          const way = await wayTo(endpoint, options.client);
          const { value, release } = await behindHops(way, signal, (over) =>
            clients.look(way.client, endpoint, { over, signal }),
          );
          release();
          return value;
        },
      }),
  };
}
