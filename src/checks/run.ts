import type { Duplex } from 'node:stream';
import { maskText } from '../model/secret.ts';
import type { Script } from '../remote/sh.ts';
import type { Check, CommandCheck, VipCheck } from '../role/check.ts';
import { lookDns } from './dns.ts';
import { lookHttp } from './http.ts';
import { bad, type CheckOutcome, good, overStream, reasonOf } from './outcome.ts';
import { lookTcp } from './tcp.ts';

/** A command's end on the host. */
interface CommandAnswer {
  /** Undefined where its time was up. */
  readonly code: number | undefined;
  /** The end of what it printed. */
  readonly output: string;
}

/** The two ways from the controller to what is checked. */
export interface Reach {
  /** A connected stream to an address, from the controller (`openDirect`) or through the host, as the check's `from` says. `signal`: the check's time is up. */
  open(address: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Runs a script on the host that declares the check. */
  command(script: Script, deadlineMs: number): Promise<CommandAnswer>;
}

/** Milliseconds that a check may take where it does not say. */
const CHECK_DEADLINE_MS = 10_000;

/**
 * Runs one declared check. Never throws: what goes wrong is its outcome.
 * @param signal ends it early
 */
export async function runCheck(
  check: Exclude<Check, VipCheck>,
  reach: Reach,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const deadlineMs = check.timeoutMs ?? CHECK_DEADLINE_MS;
  if (check.kind === 'command') return runCommand(check, reach, deadlineMs);
  const { address } = check;
  const port = check.port ?? 53;
  const look = (stream: Duplex) => {
    if (check.kind === 'http') return lookHttp(check, stream);
    if (check.kind === 'dns') return lookDns(check, stream);
    return lookTcp(check, stream);
  };
  return overStream((timeUp) => reach.open(address, port, timeUp), look, deadlineMs, signal);
}

async function runCommand(check: CommandCheck, reach: Reach, deadlineMs: number): Promise<CheckOutcome> {
  const startedAt = performance.now();
  const finding = await reach.command(check.script, deadlineMs).then(
    ({ code, output }) => {
      const said = maskText(output).trim().split('\n').slice(-5).join('\n');
      if (code === 0) return good(said === '' ? 'exit status 0' : said);
      const how = code === undefined ? `not done within ${deadlineMs / 1000} s` : `exit status ${code}`;
      return bad(said === '' ? how : `${how}: ${said}`);
    },
    (error: unknown) => bad(reasonOf(error)),
  );
  return { ...finding, durationMs: Math.round(performance.now() - startedAt) };
}
