import type { RunEvent } from '../engine/events.ts';
import { FarmError, problem } from '../model/diagnostic.ts';
import { count, printableLine } from '../report/text.ts';
import type { NewHostKey } from '../transport/host-keys.ts';
import type { Unreviewed } from '../transport/new-host-keys.ts';
import type { SshTransport } from '../transport/ssh.ts';
import { TransportError } from '../transport/transport.ts';
import { confirm } from './question.ts';
import type { Terminal } from './terminal.ts';

/** As deep as jump hosts may stand behind each other: those behind show their keys once the one before is accepted. */
const MAX_ROUNDS = 9;

/** One line for each key: host, address, kind, fingerprint. */
export function keyLines(keys: readonly NewHostKey[]): string[] {
  return keys.map(({ label, keyType, fingerprint }) => `  ${printableLine(label)}: ${keyType} ${fingerprint}`);
}

const filesOf = (keys: readonly NewHostKey[]) => [...new Set(keys.map(({ file }) => file))].join(', ');

/**
 * Before a run on a terminal: lists the keys of all hosts of which nobody knows any and asks once. What is not accepted
 * is refused later, as any unknown key is.
 * @throws FarmError if an accepted key cannot be written down
 */
export async function reviewNewKeys(
  transport: SshTransport,
  hosts: readonly string[],
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const keys = await transport.unknownHostKeys(hosts, signal);
    if (keys.length === 0 || signal.aborted) return;
    const whose = keys.length === 1 ? 'This host shows a key' : `These ${keys.length} hosts show keys`;
    terminal.err(`${whose} that nobody knows here yet:\n${keyLines(keys).join('\n')}\n`);
    terminal.err('Compare with their consoles: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub\n');
    const question = keys.length === 1 ? 'Accept it' : 'Accept them all';
    if (!(await confirm(`${question} and write it down in ${filesOf(keys)}?`, signal))) return;
    await writeDown(keys);
  }
}

async function writeDown(keys: readonly Unreviewed[]): Promise<void> {
  try {
    for (const key of keys) await key.accept();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new FarmError(problem(`ssh/${error.failure}`, 'Host key not written down', error.message, hint), {
      cause: error,
    });
  }
}

/** Collects the keys that a run accepts by itself, and tells them in one block. */
export interface AcceptedKeys {
  add(key: NewHostKey): void;
  /** Watches for the end of connecting. */
  watch(event: RunEvent): void;
  /** Tells what was not told yet. */
  tell(): void;
}

export function acceptedKeys(hosts: readonly string[], tell: (line: string) => void): AcceptedKeys {
  const waiting = new Set(hosts);
  const untold: NewHostKey[] = [];
  function tellAll(): void {
    const keys = untold.splice(0);
    if (keys.length === 0) return;
    for (const line of [`Accepted ${count(keys.length, 'new host key')}:`, ...keyLines(keys)]) tell(line);
    tell(`  written to ${filesOf(keys)}`);
  }
  return {
    add(key) {
      untold.push(key);
    },
    watch(event) {
      if (event.kind === 'host-connected') waiting.delete(event.host);
      else if (event.kind === 'host-finished') waiting.delete(event.result.host);
      if (waiting.size === 0 || event.kind === 'apply-started') tellAll();
    },
    tell: tellAll,
  };
}
