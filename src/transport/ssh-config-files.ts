import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { randomHex, sha256 } from '../lib/digest.ts';
import { errorCode, isMissing, textIfReadable } from './error-code.ts';

/** What can be told from the files of an ssh configuration without understanding them. */
export interface SshConfigFiles {
  /** False: nothing in them matters to farmctl, so ssh need not be asked. */
  readonly isRelevant: boolean;
  /** Changes with the files; absent where an answer depends on more than files (`Match exec`, the environment). */
  readonly digest: string | undefined;
}

const RELEVANT =
  /^\s*(match|hostname|port|user|identityfile|identitiesonly|identityagent|proxyjump|proxycommand|certificatefile|userknownhostsfile|globalknownhostsfile|hostkeyalias|hashknownhosts|stricthostkeychecking|pubkeyauthentication|passwordauthentication|kbdinteractiveauthentication|challengeresponseauthentication|addressfamily|bindaddress|bindinterface|canonicalizehostname|knownhostscommand|pkcs11provider|preferredauthentications|revokedhostkeys|verifyhostkeydns)\b/im;
/** Debian's own file says this one thing that would matter, for everybody. */
const DEBIAN_DEFAULT = /^\s*hashknownhosts\s+yes\s*$/gim;
const UNSTABLE = /^\s*match\b.*\b(exec|localnetwork)\b|\$\{|^\s*identityagent[\s=]+"?\$/im;
const MAX_FILES = 256;

let ownHome: string | undefined;

/** The user's home as ssh takes it: from the password database, not from $HOME. */
export function home(): string {
  ownHome ??= userInfo().homedir || homedir();
  return ownHome;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    // Relevant: ssh itself then says what is wrong with it.
    return `match all # ${errorCode(error)}`;
  }
}

async function included(text: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const [, written = ''] of text.matchAll(/^\s*include(?:\s*=\s*|\s+)(.+)$/gim)) {
    for (const quoted of written.match(/"[^"]*"|\S+/g) ?? []) {
      const pattern = quoted.replaceAll('"', '');
      const absolute = pattern.startsWith('~/') ? join(home(), pattern.slice(2)) : pattern;
      const path = absolute.startsWith('/') ? absolute : join(folder, absolute);
      for await (const file of glob(path)) found.push(file);
    }
  }
  return found.toSorted();
}

/** @param files instead of the user's and the system's */
export async function readSshConfigFiles(files?: readonly string[]): Promise<SshConfigFiles> {
  const userFolder = join(home(), '.ssh');
  const queue = (files ?? [join(userFolder, 'config'), '/etc/ssh/ssh_config']).map((file) => ({
    file,
    // Where relative includes are looked for: it depends on who includes, not on where.
    folder: file.startsWith('/etc/ssh/') ? '/etc/ssh' : userFolder,
  }));
  const texts = new Map<string, string>();
  for (let next = queue.shift(); next !== undefined && texts.size < MAX_FILES; next = queue.shift()) {
    const { file, folder } = next;
    if (texts.has(file)) continue;
    const text = await textOf(file);
    texts.set(file, text);
    queue.push(...(await included(text, folder)).map((one) => ({ file: one, folder })));
  }
  const all = [...texts.values()];
  return {
    isRelevant: all.some((text) => RELEVANT.test(text.replaceAll(DEBIAN_DEFAULT, ''))),
    digest: all.some((text) => UNSTABLE.test(text)) ? undefined : sha256(JSON.stringify([userInfo().uid, ...texts])),
  };
}

/** An answer kept from an earlier run, or a new one that is then kept. A cache that cannot be used is done without. */
export async function cached(folder: string, key: string, make: () => Promise<string>): Promise<string> {
  const file = join(folder, key);
  const kept = await textIfReadable(file);
  if (kept?.endsWith('\n')) return kept;
  const text = await make();
  const beside = `${file}.${randomHex(6)}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(beside, text, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    // A folder that cannot be written costs time alone: the next run asks again.
    if (errorCode(error) === undefined) throw error;
  }
  return text;
}
