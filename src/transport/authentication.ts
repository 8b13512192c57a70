import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveAuthMethod, ParsedKey } from 'ssh2';
import type { Secret } from '../model/secret.ts';
import type { Endpoint } from './endpoint.ts';
import { textIfReadable } from './error-code.ts';
import type { Identities } from './identities.ts';
import { TransportError } from './transport.ts';

/** A question of keyboard-interactive that the password does not answer, such as a second factor. */
export type AskAnswer = (label: string, question: string, isEchoed: boolean) => Promise<Secret | undefined>;

/** What a login may be tried with. */
export interface Credentials {
  readonly identities: Identities;
  readonly password: Secret | undefined;
  readonly askAnswer: AskAnswer | undefined;
}

/** A method with the name that messages have for it. */
interface Try {
  readonly name: string;
  readonly method: AnyAuthMethod;
}

/** One login's way through the methods. */
export interface Authenticator {
  /** The next method to try, or false. `left`: what the server still takes, null before its first answer. */
  next(left: readonly string[] | null): Promise<AnyAuthMethod | false>;
  /**
   * Why nothing worked, with what was tried: `auth-failed`, or `unsupported` where OpenSSH's own client has more to
   * offer. `said`: the server's own last word, if any.
   */
  failure(said?: string): TransportError;
}

/**
 * Tries, in this order: the stated private key; a given password; the agent's keys, those of the configured files
 * first; the configured key files; encrypted ones, whose passphrase is asked for only now; keyboard-interactive. A
 * password that was given comes before the agent because sshd counts every key as a failed try (MaxAuthTries, 6).
 * @param whileAsking runs a question to the user outside the connection's deadline
 */
export function authenticator(
  endpoint: Endpoint,
  { identities, password, askAnswer }: Credentials,
  whileAsking: <T>(ask: () => Promise<T>) => Promise<T>,
): Authenticator {
  const { user: username, config, label } = endpoint;
  const tried: Try[] = [];
  const missing: string[] = [];
  const locked: string[] = [];
  const notes: string[] = [];
  const offered = new Set<string>();
  /** What only OpenSSH's own client could offer. */
  let isBeyondUs = false;
  let isPasswordGiven = false;

  function withKey(key: ParsedKey, path: string): Try | undefined {
    const blob = key.getPublicSSH().toString('base64');
    if (offered.has(blob)) return undefined;
    offered.add(blob);
    return { name: `the key ${path}`, method: { type: 'publickey', username, key } };
  }

  async function* fromFile(path: string, isStated: boolean): AsyncGenerator<Try> {
    const file = await identities.file(path);
    if (file.state === 'plain') {
      const method = withKey(file.key, path);
      if (method !== undefined) yield method;
    } else if (file.state === 'unusable') {
      notes.push(`${path} was left out: ${file.reason}.`);
      if (/unsupported/i.test(file.reason)) isBeyondUs = true;
    } else if (file.state === 'missing' && isStated) notes.push(`${path} does not exist.`);
    else if (file.state === 'missing') missing.push(path);
  }

  async function* fromEncrypted(path: string): AsyncGenerator<Try> {
    const file = await identities.file(path);
    if (file.state !== 'encrypted' || (file.blob !== undefined && offered.has(file.blob.toString('base64')))) return;
    const key = await whileAsking(() => identities.unlock(path));
    const method = key === undefined ? undefined : withKey(key, path);
    if (method !== undefined) yield method;
    else if (key === undefined) locked.push(path);
  }

  async function publicBlob(path: string): Promise<string | undefined> {
    const file = await identities.file(path);
    if (file.state === 'plain') return file.key.getPublicSSH().toString('base64');
    if (file.state === 'encrypted' && file.blob !== undefined) return file.blob.toString('base64');
    // IdentityFile may name a public key whose other half is in the agent alone.
    const text = (await textIfReadable(path.endsWith('.pub') ? path : `${path}.pub`)) ?? '';
    return text.split(/[ \t]+/)[1];
  }

  async function* fromAgent(paths: readonly string[]): AsyncGenerator<Try> {
    const socket = config.identityAgent ?? process.env['SSH_AUTH_SOCK'];
    if (socket === undefined || socket === '' || socket === 'none') return;
    const agent = await identities.agent(socket);
    if (agent.problem !== undefined) return void notes.push(`The agent at ${socket} gave no keys: ${agent.problem}.`);
    if (agent.certificates > 0) isBeyondUs = true;
    const wanted = (await Promise.all(paths.map(publicBlob))).filter((blob) => blob !== undefined);
    const rank = (key: ParsedKey) => {
      const at = wanted.indexOf(key.getPublicSSH().toString('base64'));
      return at === -1 ? wanted.length : at;
    };
    const keys = agent.keys
      .filter((key) => !offered.has(key.getPublicSSH().toString('base64')))
      .filter((key) => !config.identitiesOnly || rank(key) < wanted.length)
      .toSorted((a, b) => rank(a) - rank(b));
    if (keys.length === 0) return;
    for (const key of keys) offered.add(key.getPublicSSH().toString('base64'));
    const name = keys.length === 1 ? "the agent's key" : `${keys.length} keys of the agent`;
    yield { name, method: { type: 'agent', username, agent: agent.showing(keys) } };
  }

  function keyboard(): Try {
    const prompt: KeyboardInteractiveAuthMethod['prompt'] = (_name, _instructions, _language, prompts, finish) => {
      void answers(prompts).then(finish, () => finish([]));
    };
    return { name: 'keyboard-interactive', method: { type: 'keyboard-interactive', username, prompt } };
  }

  async function answers(prompts: readonly { prompt: string; echo?: boolean }[]): Promise<string[]> {
    const given: string[] = [];
    for (const { prompt, echo = false } of prompts) {
      if (password !== undefined && !echo && !isPasswordGiven) {
        isPasswordGiven = true;
        given.push(password.reveal());
      } else {
        const ask = askAnswer;
        const answer = ask && (await whileAsking(() => ask(label, prompt, echo)));
        given.push(answer?.reveal() ?? '');
      }
    }
    return given;
  }

  async function* methods(): AsyncGenerator<Try> {
    const stated = endpoint.privateKey;
    const paths = [...(stated === undefined ? [] : [stated]), ...config.identityFiles];
    if (stated !== undefined) yield* fromFile(stated, true);
    if (password !== undefined) {
      yield { name: 'the password', method: { type: 'password', username, password: password.reveal() } };
      yield keyboard();
    }
    yield* fromAgent(paths);
    for (const path of config.identityFiles) yield* fromFile(path, false);
    for (const path of paths) yield* fromEncrypted(path);
    if (password === undefined && askAnswer !== undefined) yield keyboard();
  }

  const sequence = methods();
  let accepted: readonly string[] | null = null;
  /** Passed over because the server did not take the method then; a second factor may be asked for later. */
  const passedOver: Try[] = [];
  const nameOf = (type: AuthenticationType) => (type === 'agent' ? 'publickey' : type);
  const isTaken = ({ method: { type } }: Try) => accepted === null || accepted.includes(nameOf(type));
  const isOff = ({ method: { type } }: Try) => config.methodsOff.some((off) => off === nameOf(type));

  function use(chosen?: Try): AnyAuthMethod | false {
    if (chosen === undefined) return false;
    tried.push(chosen);
    return chosen.method;
  }

  function cure(): string {
    const [first] = locked;
    if (first !== undefined)
      return `Unlock ${first} with ssh-add, or type its passphrase when it is asked for, at a terminal.`;
    if (tried.length === 0) return 'Give a key with --private-key, start an ssh agent, or give a password with -k.';
    const hasKey = tried.some(({ method: { type } }) => nameOf(type) === 'publickey');
    if (!hasKey && password !== undefined)
      return 'Check the user (-u) and the password, or give a key with --private-key.';
    return 'Check the user (-u) and that one of these keys is in its authorized_keys on the host, or give another with --private-key.';
  }

  return {
    async next(left) {
      // Only a password is worth a question about what the server takes: it must not reach one that takes keys alone.
      if (left === null && password !== undefined) return { type: 'none', username };
      accepted = left ?? accepted;
      const again = passedOver.findIndex(isTaken);
      if (again !== -1) return use(...passedOver.splice(again, 1));
      for (;;) {
        const { value, done } = await sequence.next();
        if (done === true) return false;
        if (isOff(value)) continue;
        if (isTaken(value)) return use(value);
        passedOver.push(value);
      }
    },
    failure(said) {
      const takes = accepted === null || accepted.length === 0 ? '' : ` It takes: ${accepted.join(', ')}.`;
      // Questions that nobody put were not tried.
      const shown = tried.filter((one) => one.method.type !== 'keyboard-interactive' || isTaken(one));
      const list =
        shown.length === 0 ? 'There was nothing to try.' : `Tried: ${shown.map(({ name }) => name).join(', ')}.`;
      const absent = shown.length > 0 || missing.length === 0 ? [] : [`There is no ${missing.join(', no ')}.`];
      const closed = locked.map((path) => `${path} is encrypted and was not unlocked.`);
      const word = said === undefined ? '' : ` It said: ${said}.`;
      const isKerberos = accepted?.some((method) => method === 'gssapi-with-mic' || method === 'hostbased') ?? false;
      return new TransportError(
        isBeyondUs || isKerberos ? 'unsupported' : 'auth-failed',
        [`${label} did not let us in.${word}`, list + takes, ...absent, ...notes, ...closed].join(' '),
        cure(),
      );
    },
  };
}
