import { type Diagnostic, FarmError, problem } from '../model/diagnostic.ts';
import type { Farm, Vip } from '../model/farm.ts';
import { reasonOf } from '../plan/observe.ts';
import { parseAddresses } from '../remote/facts.ts';
import { readAnswers } from '../remote/record.ts';
import { limited } from '../remote/runtime.ts';
import { sh } from '../remote/sh.ts';
import { DEADLINES } from './deadlines.ts';
import { hostFailure } from './failure.ts';
import { fail, type HostRun } from './host-run.ts';
import type { RunOptions } from './run.ts';

const LOOK = sh`addresses=$(ip -4 -o address show) || exit
record 0
field addresses "$(printf %s "$addresses" | head -c 200000)"
end_record`;

/** Tells with whom a host shares virtual addresses. */
export function partners(farm: Pick<Farm, 'vips'>): (host: string) => readonly string[] {
  const found = new Map<string, Set<string>>();
  for (const { pair } of farm.vips.values())
    for (const host of pair) {
      const known = found.get(host) ?? new Set();
      found.set(host, known);
      for (const other of pair) if (other !== host) known.add(other);
    }
  return (host) => [...(found.get(host) ?? [])];
}

/**
 * Names of the VIPs whose pair the host belongs to and that stand on one of its devices. One on the loopback device is
 * a real server's and does not count.
 * @param text what `ip -4 -o address show` prints
 */
export function vipsIn(text: string, host: string, vips: Iterable<Vip>): readonly string[] {
  const devices = Object.entries(parseAddresses(text)).filter(([device]) => device !== 'lo');
  const addresses = new Set(devices.flatMap(([, all]) => all.map((one) => one.split('/')[0])));
  return [...vips].filter(({ address, pair }) => pair.includes(host) && addresses.has(address)).map(({ name }) => name);
}

/** Asks the host which VIPs of its pairs it has now. A host that does not answer holds none, and has failed. */
export async function heldVips(run: HostRun, options: RunOptions): Promise<readonly string[]> {
  const { host, session } = run;
  if (session === undefined || run.failure !== undefined) return [];
  try {
    const look = limited(LOOK, { tag: 'vips', seconds: 10, nonce: session.nonce });
    const answer = await session.exchange(look, [], { deadlineMs: DEADLINES.factsMs, doing: 'looking for its VIPs' });
    const { records, failures } = readAnswers(answer.frames);
    const record = records.get('vips')?.get(0);
    if (record === undefined) throw new FarmError(notSaid(host.name, failures.get('vips')));
    return vipsIn(record.text('addresses'), host.name, options.farm.vips.values());
  } catch (error) {
    fail(run, hostFailure(error, host.name, true), options);
    return [];
  }
}

function notSaid(host: string, failure: { readonly status: number; readonly output: string } | undefined): Diagnostic {
  const why = failure === undefined ? 'it said nothing' : `the look ${reasonOf(failure)}`;
  return problem('host/no-facts', 'Host does not say what it is', `${host} did not tell its addresses: ${why}.`, {
    host,
    hint: 'Nobody knows whether it holds a VIP: look at `ip -4 address` there, then run the same command again.',
  });
}
