import { readFile, stat } from 'node:fs/promises';
import type { BaseAgent, ParsedKey } from 'ssh2';
import type { Secret } from '../model/secret.ts';
import { errorCode, isMissing, textIfReadable } from './error-code.ts';

type Ssh2 = typeof import('ssh2');

/** What became of a private key file. */
type KeyFile =
  | { readonly state: 'missing' }
  | { readonly state: 'unusable'; readonly reason: string }
  | { readonly state: 'plain'; readonly key: ParsedKey }
  /** `blob`: the public half, where it lies beside the file. */
  | { readonly state: 'encrypted'; readonly blob: Buffer | undefined };

/** The keys that one run has: each file is read once, each passphrase asked once, whatever the number of hosts. */
export interface Identities {
  file(path: string): Promise<KeyFile>;
  /** Asks for the passphrase; undefined where nobody can be asked or nobody knew it. */
  unlock(path: string): Promise<ParsedKey | undefined>;
  /** The passphrase alone, for a key that only OpenSSH's own client can read, too. */
  passphrase(path: string): Promise<Secret | undefined>;
  /** The keys that an agent holds, or the reason why it could not say. */
  agent(socket: string): Promise<AgentKeys>;
}

/** An agent with the keys that it listed. */
interface AgentKeys {
  readonly keys: readonly ParsedKey[];
  /** Certificates among what it listed, which ssh2 cannot offer. */
  readonly certificates: number;
  readonly problem: string | undefined;
  /** The agent, showing only the given keys. */
  showing(keys: readonly ParsedKey[]): BaseAgent;
}

interface Unlocked {
  readonly passphrase: Secret;
  readonly key: ParsedKey | undefined;
}

/** Asks the user for the passphrase of a key file; `isAgain`: what was given before was wrong. */
export type AskPassphrase = (keyPath: string, isAgain: boolean) => Promise<Secret | undefined>;

const AGENT_DEADLINE_MS = 3000;
const PASSPHRASE_TRIES = 3;

function parse(ssh2: Ssh2, text: Buffer | string, passphrase?: string): ParsedKey | Error {
  const parsed: unknown = ssh2.utils.parseKey(text, passphrase);
  // OpenSSH's format may hold several keys; ssh2 then gives a list.
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? key : (key as ParsedKey);
}

async function readKeyFile(ssh2: Ssh2, path: string): Promise<KeyFile> {
  let text: Buffer;
  try {
    const { mode, uid } = await stat(path);
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) {
      return { state: 'unusable', reason: 'others may read it (chmod 600 it)' };
    }
    text = await readFile(path);
  } catch (error) {
    return isMissing(error) ? { state: 'missing' } : { state: 'unusable', reason: errorCode(error) ?? String(error) };
  }
  const key = parse(ssh2, text);
  if (!(key instanceof Error)) {
    return key.isPrivateKey() ? { state: 'plain', key } : { state: 'unusable', reason: 'not a private key' };
  }
  if (!/passphrase/i.test(key.message)) return { state: 'unusable', reason: key.message };
  const beside = await textIfReadable(`${path}.pub`);
  const half = beside === undefined ? undefined : parse(ssh2, beside);
  return { state: 'encrypted', blob: half === undefined || half instanceof Error ? undefined : half.getPublicSSH() };
}

async function listAgent(ssh2: Ssh2, socket: string): Promise<AgentKeys> {
  const agent = ssh2.createAgent(socket);
  const listed = await new Promise<readonly unknown[] | Error>((resolve) => {
    const timer = setTimeout(() => resolve(new Error('it did not answer')), AGENT_DEADLINE_MS);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      resolve(error ?? keys ?? []);
    });
  });
  const showing = (keys: readonly ParsedKey[]): BaseAgent => {
    const shown = ssh2.createAgent(socket);
    shown.getIdentities = (callback) => callback(null, [...keys]);
    return shown;
  };
  if (listed instanceof Error) return { keys: [], certificates: 0, problem: listed.message, showing };
  const keys: ParsedKey[] = [];
  for (const one of listed) {
    const key = Buffer.isBuffer(one) || isParsedKey(one) ? ssh2.utils.parseKey(one) : new Error('unknown form');
    if (!(key instanceof Error)) keys.push(key);
  }
  return { keys, certificates: listed.length - keys.length, problem: undefined, showing };
}

function isParsedKey(value: unknown): value is ParsedKey {
  return typeof value === 'object' && value !== null && 'getPublicSSH' in value;
}

/**
 * @param askPassphrase undefined where nobody can be asked
 */
export function loadIdentities(ssh2: Ssh2, askPassphrase: AskPassphrase | undefined): Identities {
  const files = new Map<string, Promise<KeyFile>>();
  const unlocked = new Map<string, Promise<Unlocked | undefined>>();
  const agents = new Map<string, Promise<AgentKeys>>();

  async function unlockFile(path: string): Promise<Unlocked | undefined> {
    if (askPassphrase === undefined) return undefined;
    const text = await readFile(path);
    for (let attempt = 0; attempt < PASSPHRASE_TRIES; attempt += 1) {
      const passphrase = await askPassphrase(path, attempt > 0);
      if (passphrase === undefined) return undefined;
      const key = parse(ssh2, text, passphrase.reveal());
      if (!(key instanceof Error)) return { passphrase, key };
      // Only ssh itself can tell whether it is right.
      if (/unsupported/i.test(key.message)) return { passphrase, key: undefined };
    }
    return undefined;
  }

  function once<T>(map: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
    const made = map.get(name) ?? make();
    map.set(name, made);
    return made;
  }

  return {
    file: (path) => once(files, path, () => readKeyFile(ssh2, path)),
    unlock: async (path) => (await once(unlocked, path, () => unlockFile(path)))?.key,
    passphrase: async (path) => (await once(unlocked, path, () => unlockFile(path)))?.passphrase,
    agent: (socket) => once(agents, socket, () => listAgent(ssh2, socket)),
  };
}
