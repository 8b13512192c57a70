import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Secret } from '../model/secret.ts';
import { type AskAnswer, authenticator } from './authentication.ts';
import type { Endpoint } from './endpoint.ts';
import { hostKeyAlgorithms } from './host-key.ts';
import type { HostKeys } from './host-keys.ts';
import { type AskPassphrase, type Identities, loadIdentities } from './identities.ts';
import type { Client } from './jump.ts';
import { type OpenSshLink, openOpenSsh } from './openssh.ts';
import { answerPrompts } from './openssh-answers.ts';
import { openSshFolder } from './openssh-folder.ts';
import { whyKeyRefused, writePins } from './openssh-host-keys.ts';
import { scanHostKey } from './openssh-scan.ts';
import { type Attempt, handshakeSlots, type Slots } from './pacing.ts';
import { openLink, type SshLink } from './ssh-link.ts';
import { type LoginTools, pacedLogin } from './ssh-login.ts';
import { openSocket, openThrough } from './ssh-socket.ts';
import { TransportError } from './transport.ts';

/** One login at one sshd. */
export interface Login {
  /** The jump host's link. */
  readonly over: SshLink | undefined;
  readonly password: Secret | undefined;
  /** Aborting it ends the link at any time. */
  readonly signal: AbortSignal;
}

/** The two implementations of the protocol, with what they share: keys, questions, pacing. */
export interface SshClients {
  /** @throws TransportError */
  login(client: Client, endpoint: Endpoint, login: Login): Promise<SshLink>;
  /** The key that a host shows before any login; undefined where it shows none. @throws TransportError */
  look(client: Client, endpoint: Endpoint, login: Omit<Login, 'password'>): Promise<Buffer | undefined>;
  identities(): Promise<Identities>;
}

export interface SshClientOptions {
  readonly hostKeys: HostKeys;
  readonly askPassphrase: AskPassphrase | undefined;
  readonly askAnswer: AskAnswer | undefined;
  readonly configFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly connectDeadlineMs: number;
  readonly keepaliveMs: number;
  readonly handshakes: number;
}

/** A jump host's sshd sees all handshakes of the hosts behind it, and ours with it. */
const HANDSHAKES_PER_JUMP_HOST = 8;

function isOpenSshLink(link: SshLink): link is OpenSshLink {
  return 'controlPath' in link;
}

/** The control socket of the link that OpenSSH's client goes through. */
function socketOf(over: SshLink | undefined): OpenSshLink | undefined {
  if (over === undefined) return undefined;
  if (isOpenSshLink(over)) return over;
  throw new Error('OpenSSH’s client cannot go through a link of another implementation');
}

/** The library ssh2 is loaded with the first connection. */
export function sshClients(options: SshClientOptions): SshClients {
  const { hostKeys, configFile, keepaliveMs } = options;
  const slots = handshakeSlots(options.handshakes);
  const slotsByHop = new WeakMap<SshLink, Slots>();
  const folder = openSshFolder();
  const reached = new Set<string>();
  let count = 0;
  let loaded: Promise<Loaded> | undefined;

  interface Loaded {
    readonly ssh2: typeof import('ssh2');
    readonly identities: Identities;
  }

  function load(): Promise<Loaded> {
    // Loading it takes as long as a few logins. Hosts whose turn has come are called first, and get ready meanwhile.
    loaded ??= setImmediate()
      .then(() => import('ssh2'))
      .then(({ default: ssh2 }) => ({
        ssh2,
        identities: loadIdentities(ssh2, options.askPassphrase),
      }));
    return loaded;
  }

  function slotsOf(over: SshLink | undefined): Slots {
    if (over === undefined) return slots;
    const found = slotsByHop.get(over) ?? handshakeSlots(HANDSHAKES_PER_JUMP_HOST);
    slotsByHop.set(over, found);
    return found;
  }

  const placeOf = ({ address, port }: Endpoint) => `${address}:${port}`;

  /** A refusal may be a full queue, but only where that sshd was seen before. */
  function onlyIfReached<T>(endpoint: Endpoint, attempt: Attempt<T>): Attempt<T> {
    if ('busy' in attempt && !reached.has(placeOf(endpoint))) throw attempt.busy;
    return attempt;
  }

  async function byLibrary(endpoint: Endpoint, login: Login, tools: LoginTools): Promise<Attempt<SshLink>> {
    const { stop } = tools;
    const socket =
      login.over === undefined ? await openSocket(endpoint, stop) : await openThrough(login.over, endpoint, stop);
    const opened = onlyIfReached(endpoint, socket);
    if ('busy' in opened) return opened;
    reached.add(placeOf(endpoint));
    tools.reach('handshake');
    const { ssh2, identities } = await load();
    const { askAnswer } = options;
    const credentials = { identities, password: login.password, askAnswer };
    return await openLink(ssh2, {
      endpoint,
      sock: opened.value,
      authenticator: authenticator(endpoint, credentials, tools.whileAsking),
      hostKeys: await hostKeys.policy(endpoint),
      judge: (blob) => hostKeys.judge(endpoint, blob),
      keepaliveMs,
      onHandshake: () => tools.reach('login'),
      stop,
    });
  }

  async function scan(endpoint: Endpoint, over: SshLink | undefined, stop: AbortSignal): Promise<Buffer | undefined> {
    const { path, leave } = await folder.enter();
    count += 1;
    try {
      return await scanHostKey(endpoint, {
        configFile,
        overSocket: socketOf(over)?.controlPath,
        folder: path,
        name: String(count),
        algorithms: hostKeyAlgorithms(await hostKeys.policy(endpoint)),
        signal: stop,
      });
    } finally {
      leave();
    }
  }

  async function byOpenSsh(
    endpoint: Endpoint,
    { over, password }: Login,
    { stop, whileAsking, reach }: LoginTools,
  ): Promise<Attempt<SshLink>> {
    const { identities } = await load();
    const { askAnswer, askPassphrase, knownHostsFile } = options;
    const isAnswered = password !== undefined || askAnswer !== undefined || askPassphrase !== undefined;
    if (endpoint.acceptNew && !(await hostKeys.isKnown(endpoint))) {
      const blob = await scan(endpoint, over, stop);
      if (blob !== undefined) await hostKeys.judge(endpoint, blob);
    }
    const { path, leave } = await folder.enter();
    count += 1;
    const name = String(count);
    try {
      const attempt = await openOpenSsh({
        endpoint,
        configFile,
        knownHostsFile,
        pinnedFile: await writePins(endpoint, hostKeys, join(path, `${name}.keys`)),
        over: socketOf(over),
        folder: path,
        name,
        answer: isAnswered
          ? answerPrompts({ label: endpoint.label, identities, password, askAnswer, whileAsking })
          : undefined,
        keepaliveMs,
        onStage: (stage) => {
          if (stage === 'handshake' && endpoint.config.proxyCommand === undefined) reached.add(placeOf(endpoint));
          if (stage === 'login') reached.add(placeOf(endpoint));
          reach(stage);
        },
        stop,
      });
      if ('keyRefused' in attempt) {
        throw await whyKeyRefused(endpoint, hostKeys, await scan(endpoint, over, stop), attempt);
      }
      if ('busy' in attempt) leave();
      else attempt.value.lost.catch(leave);
      return onlyIfReached(endpoint, attempt);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Has the library go as far as the key and no further. */
  async function lookByLibrary(endpoint: Endpoint, login: Login, tools: LoginTools): Promise<Buffer | undefined> {
    const { ssh2, identities } = await load();
    const { stop, whileAsking } = tools;
    const opened =
      login.over === undefined ? await openSocket(endpoint, stop) : await openThrough(login.over, endpoint, stop);
    if ('busy' in opened) throw opened.busy;
    let seen: Buffer | undefined;
    const enough = new TransportError('host-key-unknown', `The host key of ${endpoint.label} was only looked at.`);
    try {
      await openLink(ssh2, {
        endpoint,
        sock: opened.value,
        authenticator: authenticator(endpoint, { identities, password: undefined, askAnswer: undefined }, whileAsking),
        hostKeys: await hostKeys.policy(endpoint),
        judge: async (blob) => {
          seen = blob;
          return { verdict: 'refused', error: enough };
        },
        keepaliveMs,
        onHandshake: () => {},
        stop,
      });
    } catch (error) {
      if (error !== enough) throw error;
    }
    return seen;
  }

  return {
    identities: async () => (await load()).identities,
    login: (client, endpoint, login) =>
      pacedLogin(
        { endpoint, slots: slotsOf(login.over), limitMs: options.connectDeadlineMs, signal: login.signal },
        (tools) => (client === 'openssh' ? byOpenSsh(endpoint, login, tools) : byLibrary(endpoint, login, tools)),
      ),
    async look(client, endpoint, { over, signal }) {
      const release = await slotsOf(over).acquire(signal);
      const stop = AbortSignal.any([signal, AbortSignal.timeout(options.connectDeadlineMs)]);
      try {
        if (client === 'openssh') return await scan(endpoint, over, stop);
        const tools = { stop, whileAsking: <T>(ask: () => Promise<T>) => ask(), reach: () => {} };
        return await lookByLibrary(endpoint, { over, password: undefined, signal }, tools);
      } finally {
        release();
      }
    },
  };
}
