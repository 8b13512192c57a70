import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoint } from './endpoint.ts';
import { isMissing } from './error-code.ts';
import { parseKnownHosts } from './known-hosts.ts';
import { clientEnd, clientEnvironment, startClient } from './openssh.ts';
import { type ClientSettings, scanArguments } from './openssh-arguments.ts';

/** How OpenSSH's client reaches the endpoint whose key is wanted. */
export interface Scan {
  readonly configFile: string | undefined;
  readonly overSocket: string | undefined;
  /** A private folder, and a name in it that nobody else has. */
  readonly folder: string;
  readonly name: string;
  /** The kinds of host key to ask for, the best first. */
  readonly algorithms: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Has a host show its key to OpenSSH's client, which goes before any login. Undefined where none was shown.
 * @throws TransportError if the signal is aborted
 */
export async function scanHostKey(endpoint: Endpoint, scan: Scan): Promise<Buffer | undefined> {
  const scanFile = join(scan.folder, `${scan.name}.scan`);
  const settings: ClientSettings = {
    configFile: scan.configFile,
    knownHostsFile: undefined,
    pinnedFile: undefined,
    controlPath: 'none',
    over: scan.overSocket,
    mayAsk: false,
    keepaliveMs: 10_000,
    onLogin: '',
  };
  const words = scanArguments(endpoint, settings, { scanFile, algorithms: scan.algorithms });
  const client = startClient(words, clientEnvironment());
  await clientEnd(client, scan.signal);
  let text = '';
  try {
    text = await readFile(scanFile, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const [line] = [...parseKnownHosts([{ file: scanFile, text }]).plain.values()].flat();
  return line === undefined ? undefined : Buffer.from(line.key, 'base64');
}
