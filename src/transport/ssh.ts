import type { Secret } from '../model/secret.ts';
import { abortReason, throwIfAborted, unlessAborted } from './abort.ts';
import { type AskAnswer, authenticator } from './authentication.ts';
import { becomeOf } from './become.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { type Endpoint, resolveTarget, type SshTarget } from './endpoint.ts';
import { fingerprint, type HostKeyPolicy, type HostKeyVerdict, judgeHostKey } from './host-key.ts';
import { loadIdentities } from './identities.ts';
import { jumpLinks, routeTo, type SharedLink } from './jump.ts';
import { type KnownHosts, withKnown } from './known-hosts.ts';
import { appendKnownHost, readKnownHosts } from './known-hosts-file.ts';
import { type Attempt, handshakeSlots, retryBusy, type Slots } from './pacing.ts';
import { sshConfigLookup } from './ssh-config.ts';
import { openLink, type SshLink } from './ssh-link.ts';
import { loginTimedOut, openSocket, openThrough, type Stage } from './ssh-socket.ts';
import { startShell } from './start.ts';
import { type Transport, TransportError } from './transport.ts';

/** What a run brings along to log in at its hosts. */
export interface SshOptions {
  /** The inventory's word on a host; undefined for a name that it does not have (a jump host). */
  readonly target: (host: string) => SshTarget | undefined;
  /** The login's password (-k). */
  readonly password?: Secret;
  /** Asks the user for a key file's passphrase. */
  readonly askPassphrase?: (keyPath: string) => Promise<Secret | undefined>;
  readonly askAnswer?: AskAnswer;
  /** Hears of each key that accept-new wrote down. */
  readonly onNewHostKey?: (label: string, keyType: string, fingerprint: string, file: string) => void;
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
}

/** A jump host's sshd sees all handshakes of the hosts behind it, and ours with it. */
const HANDSHAKES_PER_JUMP_HOST = 8;

/** There is one terminal: questions of several hosts come one after the other. */
function questionsInTurn(): <T>(ask: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (ask) => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
}

/** Transport over ssh. The library is loaded with the first connection. */
export function sshTransport(options: SshOptions): Transport {
  const lookup = sshConfigLookup(options.sshConfigFile, options.cacheFolder);
  const slots = handshakeSlots(options.handshakes ?? 32);
  const slotsByHop = new WeakMap<SshLink, Slots>();
  const knownByFiles = new Map<string, Promise<KnownHosts>>();
  const reached = new Set<string>();
  let loaded: Promise<Loaded> | undefined;

  const inTurn = questionsInTurn();
  const { askAnswer } = options;
  const askInTurn: AskAnswer | undefined = askAnswer && ((...words) => inTurn(() => askAnswer(...words)));

  interface Loaded {
    readonly ssh2: typeof import('ssh2');
    readonly identities: ReturnType<typeof loadIdentities>;
  }

  async function load(): Promise<Loaded> {
    const { default: ssh2 } = await import('ssh2');
    const { askPassphrase } = options;
    const ask = askPassphrase && ((keyPath: string) => inTurn(() => askPassphrase(keyPath)));
    return { ssh2, identities: loadIdentities(ssh2, ask) };
  }

  async function hostKeysOf(
    endpoint: Endpoint,
  ): Promise<HostKeyPolicy & { writeTo: string | undefined; files: string }> {
    const own = options.knownHostsFile;
    const files = own === undefined ? endpoint.config.knownHostsFiles : [own];
    const key = files.join('\n');
    const reading = knownByFiles.get(key) ?? readKnownHosts(files);
    knownByFiles.set(key, reading);
    return {
      label: endpoint.label,
      name: endpoint.config.hostKeyAlias ?? endpoint.address,
      port: endpoint.port,
      isAlias: endpoint.config.hostKeyAlias !== undefined,
      known: await reading,
      pinned: endpoint.pinned,
      acceptNew: endpoint.acceptNew,
      writeTo: own ?? endpoint.config.userKnownHostsFile,
      files: key,
    };
  }

  async function judge(endpoint: Endpoint, blob: Buffer): Promise<HostKeyVerdict> {
    // Read anew: another host of this run may have brought the same key meanwhile.
    const policy = await hostKeysOf(endpoint);
    const verdict = judgeHostKey(policy, blob);
    if (verdict.verdict !== 'new' || policy.writeTo === undefined) return verdict;
    const { name, keyType } = verdict;
    const line = { marker: undefined, names: name, keyType, key: blob.toString('base64'), at: policy.writeTo };
    knownByFiles.set(policy.files, Promise.resolve(withKnown(policy.known, line)));
    await appendKnownHost(policy.writeTo, { name, keyType, blob, isHashed: endpoint.config.hashKnownHosts });
    options.onNewHostKey?.(endpoint.label, keyType, fingerprint(blob), policy.writeTo);
    return verdict;
  }

  /** Logs in at one sshd. Aborting `signal` ends the link at any time; the deadline counts from its turn to the login. */
  async function login(
    endpoint: Endpoint,
    { over, password, signal }: { over: SshLink | undefined; password: Secret | undefined; signal: AbortSignal },
  ): Promise<SshLink> {
    loaded ??= load();
    const { ssh2, identities } = await loaded;
    const hostKeys = await hostKeysOf(endpoint);
    const pace = over === undefined ? slots : hopSlots(over);
    const limitMs = options.connectDeadlineMs ?? 10_000;
    const where = `${endpoint.address}:${endpoint.port}`;
    let stage: Stage = 'connect';
    let deadline: Deadline | undefined;
    const stopper = new AbortController();
    const onAbort = () => stopper.abort(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();

    async function attempt(): Promise<Attempt<SshLink>> {
      const release = await pace.acquire(stopper.signal);
      deadline ??= startDeadline(limitMs, () => stopper.abort(loginTimedOut(endpoint, stage, limitMs)));
      try {
        stage = 'connect';
        const opened =
          over === undefined
            ? await openSocket(endpoint, stopper.signal)
            : await openThrough(over, endpoint, stopper.signal);
        // A refusal may be a full queue, but only where that sshd was seen before.
        if ('busy' in opened && !reached.has(where)) throw opened.busy;
        if ('busy' in opened) return opened;
        reached.add(where);
        stage = 'handshake';
        return await openLink(ssh2, {
          endpoint,
          sock: opened.value,
          authenticator: authenticator(endpoint, { identities, password, askAnswer: askInTurn }, deadline.paused),
          hostKeys,
          judge: (blob) => judge(endpoint, blob),
          keepaliveMs: options.keepaliveMs ?? 10_000,
          onHandshake: () => {
            stage = 'login';
          },
          stop: stopper.signal,
        });
      } finally {
        release();
      }
    }

    try {
      const link = await retryBusy(attempt, stopper.signal);
      link.lost.catch(() => signal.removeEventListener('abort', onAbort));
      return link;
    } catch (error) {
      signal.removeEventListener('abort', onAbort);
      throw error;
    } finally {
      deadline?.stop();
    }
  }

  function hopSlots(over: SshLink): Slots {
    const found = slotsByHop.get(over) ?? handshakeSlots(HANDSHAKES_PER_JUMP_HOST);
    slotsByHop.set(over, found);
    return found;
  }

  async function farmEndpoint(name: string): Promise<Endpoint | undefined> {
    const target = options.target(name);
    return target === undefined ? undefined : resolveTarget(target, lookup);
  }

  const jumps = jumpLinks((endpoint, over) =>
    login(endpoint, {
      over,
      // The password is for the farm's hosts, not for whoever stands before them.
      password: options.target(endpoint.name) === undefined ? undefined : options.password,
      // A host that gives up must not take along a hop that others use.
      signal: new AbortController().signal,
    }),
  );

  return {
    async connect(host, signal) {
      throwIfAborted(signal);
      const target = options.target(host);
      if (target === undefined) throw new Error(`connect was asked for ${host}, which the inventory does not have`);
      const endpoint = await resolveTarget(target, lookup);
      const hop = await unlessAborted(openRoute(endpoint), signal, (late) => late?.release());
      let link: SshLink;
      try {
        link = await login(endpoint, { over: hop?.link, password: options.password, signal });
      } catch (error) {
        hop?.release();
        throw signal.aborted ? abortReason(signal) : error;
      }
      link.lost.catch(() => hop?.release());
      const become = becomeOf(target.become, endpoint.user);
      const deadlineMs = options.startDeadlineMs ?? 10_000;
      return {
        start: (command) =>
          startShell(command, { label: endpoint.label, become, deadlineMs }, (line) => link.exec(line)),
        forward: (address, port) => link.forward(address, port),
        close: () => link.close(),
      };
    },
  };

  async function openRoute(endpoint: Endpoint): Promise<SharedLink | undefined> {
    const route = await routeTo(endpoint, lookup, farmEndpoint);
    try {
      return await jumps.open(route);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const message = `On the way to ${endpoint.label}: ${error.message}`;
      throw new TransportError(error.failure, message, error.hint, { cause: error });
    }
  }
}
