import type { Endpoint } from './endpoint.ts';
import { lostBecause } from './ssh-failure.ts';
import { type Stage, unreachable } from './ssh-socket.ts';
import { TransportError } from './transport.ts';

/** What OpenSSH's client said on stderr, taken apart. Only lines that ssh itself is known to print are acted on. */
export interface ClientWords {
  /** How far it came. */
  readonly stage: Stage;
  /** What is not debugging, the last lines. */
  readonly said: readonly string[];
  /** The keys that it offered, and other ways that it tried, as messages name them. */
  readonly tried: readonly string[];
  /** The methods that the server takes, by its last word. */
  readonly takes: string | undefined;
}

/** Reads the client's stderr as it comes. */
export interface ClientListener {
  hear(chunk: string): void;
  words(): ClientWords;
}

const MAX_LINES = 40;
const CHATTER = /^(OpenSSH_|Authenticated to |Transferred: |Bytes per second: )/;

/** @param onStage hears of each step on the way */
export function listenToClient(onStage: (stage: Stage) => void): ClientListener {
  let rest = '';
  let stage: Stage = 'connect';
  let takes: string | undefined;
  const said: string[] = [];
  const tried: string[] = [];
  const reach = (next: Stage) => {
    stage = next;
    onStage(next);
  };

  function debug(text: string): void {
    if (text === 'Connection established.' || text.startsWith('Executing proxy command')) reach('handshake');
    else if (text.startsWith('SSH2_MSG_NEWKEYS received')) reach('login');
    else if (text.startsWith('Authentications that can continue: ')) takes = text.slice(35).replaceAll(',', ', ');
    else if (text.startsWith('Offering public key: ')) {
      const isFromAgent = / agent$/.test(text);
      const name = text.slice(21).replace(/ [A-Z0-9_-]+ (SHA256|MD5):\S+.*$/, '');
      tried.push(isFromAgent ? `the agent's key ${name}` : `the key ${name}`);
    } else if (text.startsWith('Next authentication method: ')) {
      const method = text.slice(28);
      if (method === 'password') tried.push('the password');
      else if (method !== 'publickey') tried.push(method);
    }
  }

  return {
    hear(chunk) {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = (lines.pop() ?? '').slice(-4096);
      for (const line of lines) {
        if (line.startsWith('debug1: ')) debug(line.slice(8));
        else if (line.trim() !== '' && !CHATTER.test(line)) said.push(line.trim());
      }
      said.splice(0, said.length - MAX_LINES);
    },
    words: () => ({
      stage,
      said: rest.trim() === '' ? said : [...said, rest.trim()],
      tried: [...new Set(tried)],
      takes,
    }),
  };
}

/** A host key that ssh refused: why is found out by looking at the key itself. */
export function isKeyRefused({ said }: ClientWords): boolean {
  return said.some((line) => /^Host key verification failed\.$/.test(line)) || isKeyRevoked({ said });
}

/** ssh says that the key is on a list of revoked ones. */
export function isKeyRevoked({ said }: Pick<ClientWords, 'said'>): boolean {
  return said.some((line) => /REVOKED HOST KEY DETECTED|^Host key .* revoked|was revoked/i.test(line));
}

/** A connection that ended before the handshake, as one does that a busy sshd (MaxStartups) turns away. */
export function isTurnedAway({ stage, said }: ClientWords): boolean {
  if (stage === 'login') return false;
  return said.some((line) =>
    /^kex_exchange_identification: |^(Connection (closed|reset) by|ssh_exchange_ident)/.test(line),
  );
}

const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/: Connection refused$/, 'ECONNREFUSED'],
  [/: No route to host$/, 'EHOSTUNREACH'],
  [/: Network is unreachable$/, 'ENETUNREACH'],
  [/: (Connection|Operation) timed out$/, 'ETIMEDOUT'],
  [/^ssh: Could not resolve hostname .*: Temporary failure/, 'EAI_AGAIN'],
  [/^ssh: Could not resolve hostname /, 'ENOTFOUND'],
];

/** Why the client ended before the login, in the words that the other client has for it. */
export function clientFailed(endpoint: Endpoint, words: ClientWords): TransportError {
  const { label } = endpoint;
  const { said, stage } = words;
  const find = (pattern: RegExp) => said.findLast((line) => pattern.test(line));

  const denied = find(
    /Permission denied \(|Too many authentication failures|^no such identity: |No more authentication methods/,
  );
  if (denied !== undefined && stage === 'login') return notLetIn(endpoint, words);
  const none = find(/^Unable to negotiate with |no matching .* found/);
  if (none !== undefined) {
    return new TransportError(
      'unsupported',
      `${label} and the OpenSSH client of this machine have no algorithm in common: ${none}`,
      'Bring the OpenSSH of that host up to date, or allow the algorithm in your ssh configuration.',
    );
  }
  if (find(/: not found$|command not found/) !== undefined && said.length === 1) {
    return new TransportError(
      'unsupported',
      `Reaching ${label} needs OpenSSH's own client, and there is no ssh on this machine.`,
      'Install the OpenSSH client.',
    );
  }
  const wrong = find(/Bad configuration option|^command-line|: line \d+: |Bad owner or permissions|terminating, /);
  if (wrong !== undefined && stage === 'connect') {
    return new TransportError(
      'unsupported',
      `The OpenSSH client refuses its configuration for ${label}: ${wrong}`,
      'Correct it, or set ssh_config: false in the inventory.',
    );
  }
  for (const [pattern, code] of CAUSES) {
    if (stage !== 'login' && find(pattern) !== undefined) {
      return unreachable(endpoint, Object.assign(new Error(find(pattern)), { code }));
    }
  }
  const proxy = endpoint.config.proxyCommand;
  if (stage !== 'login' && proxy !== undefined && endpoint.asked.jump === undefined) {
    const own = said.filter((line) => !/^(Connection closed by|kex_exchange_identification|ssh_exchange)/.test(line));
    return new TransportError(
      'unreachable',
      `The ProxyCommand for ${label} ended before the login${own.length === 0 ? '.' : `; it said: ${own.slice(-3).join(' / ')}`}`,
      `Try it by hand: ${proxy}`,
    );
  }
  const why = said.at(-1) ?? 'the other side closed it';
  const isClosed = /Connection (closed|reset) by|closed by remote host/i.test(why);
  return new TransportError(
    'unreachable',
    `The connection to ${label} broke ${stage === 'login' ? 'during' : 'before'} the login: ${isClosed ? 'the other side closed it' : why.replace(/\.$/, '')}.`,
    'Look at the log of sshd on that host (journalctl -u ssh).',
  );
}

function notLetIn({ label }: Endpoint, { said, tried, takes }: ClientWords): TransportError {
  const tooMany = said.some((line) => /Too many authentication failures/.test(line));
  const notes = said.flatMap((line) => /^Load key "(.+)": (.+)$/.exec(line)?.slice(1, 3).join(' was left out: ') ?? []);
  return new TransportError(
    'auth-failed',
    [
      `${label} did not let us in.${tooMany ? ' It said: Too many authentication failures.' : ''}`,
      tried.length === 0 ? 'There was nothing to try.' : `Tried: ${tried.join(', ')}.`,
      ...(takes === undefined ? [] : [`It takes: ${takes}.`]),
      ...notes.map((note) => `${note}.`),
    ].join(' '),
    tried.length === 0
      ? 'Give a key with --private-key, start an ssh agent, or give a password with -k.'
      : 'Check the user (-u) and that one of these keys is in its authorized_keys on the host, or give another with --private-key.',
  );
}

/** Why a client that had logged in ended. */
export function clientLost(endpoint: Endpoint, { said }: ClientWords, keepaliveMs: number): TransportError {
  const last = said.at(-1);
  if (last === undefined || /closed by remote host|Connection reset|Broken pipe/.test(last)) {
    return lostBecause(endpoint, undefined, keepaliveMs);
  }
  const isSilent = /^Timeout, server .* not responding/.test(last);
  return lostBecause(endpoint, new Error(isSilent ? 'keepalive' : last.replace(/\.$/, '')), keepaliveMs);
}
