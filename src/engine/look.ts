import { type Diagnostic, FarmError, problem } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import type { Host, Network } from '../model/farm.ts';
import { type Holdings, parseHoldings } from '../plan/given-back.ts';
import { type ManifestEntry, parseManifest } from '../plan/manifest.ts';
import { probeBatch, readSeen, reasonOf, type Seen } from '../plan/observe.ts';
import type { TypeProbe } from '../plan/probe-script.ts';
import { FACTS_SCRIPT, parseFacts, parseSystem, SYSTEM_SCRIPT, type System } from '../remote/facts.ts';
import { payloadText } from '../remote/frame.ts';
import { HUNG_MOUNTS, HUNG_MOUNTS_SECONDS, parseHungMounts } from '../remote/hung-mounts.ts';
import { isTimedOut, type ProbeAnswers, readAnswers } from '../remote/record.ts';
import { STATE_DIRECTORY } from '../remote/runtime.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import type { Resource } from '../resource/define.ts';
import { probeTogether } from '../resource/types/path-probe.ts';
import { DEADLINES, PROBE_SECONDS } from './deadlines.ts';
import type { Session } from './session.ts';

/** `flock` ends with this where another run holds the host. */
export const LOCKED_STATUS = 97;

/** What one look at a host brought. */
export interface Look {
  readonly seen: ReadonlyMap<string, Seen>;
  readonly manifest: readonly ManifestEntry[];
  readonly system: System | undefined;
  /** Where all were asked for. */
  readonly facts: Facts | undefined;
  /** Where there are neither: why. */
  readonly factsFailure: string;
  /** Nothing where it was not asked for. */
  readonly holdings: Holdings;
  /** True where farmctl has a directory on the host. */
  readonly hasState: boolean;
}

/** The host is held by another run. `owner` is what that run wrote down about itself. */
export interface Locked {
  readonly lockedBy: string;
}

/** The lock is this shell's own: what it starts does not have it, so a process that hangs does not hold it. */
function underSharedLock(inner: Script, lockTimeoutMs: number): Script {
  const seconds = Math.ceil(lockTimeoutMs / 1000);
  return new Script(`if [ -d ${STATE_DIRECTORY} ]; then
  exec 8<${STATE_DIRECTORY}
  flock -s -w ${seconds} -E ${LOCKED_STATUS} 8 || {
    r=$?
    [ $r -ne ${LOCKED_STATUS} ] || { frame locked; cat ${STATE_DIRECTORY}/owner >&3 2>/dev/null; }
    exit $r
  }
fi
{
${inner.text}
} 8<&- </dev/null`);
}

/**
 * What is asked besides the resources: what an inventory is held against, all facts, or, where something is to be taken
 * away, what farmctl holds of the host's files.
 */
type Asked = 'holdings' | 'system' | 'facts';

/** By grep, which says the name of the file before each line. */
const HOLDINGS = sh`frame holdings
( cd ${STATE_DIRECTORY} && printf '%s\n' paths/* && find originals -name '*.path' -exec grep -aH '' {} + ) >&3 2>/dev/null`;

const FACTS_TAG = 'facts';

function factsProbe(asks: Asked): readonly TypeProbe[] {
  if (asks === 'holdings') return [];
  const script = probeTogether([asks === 'system' ? SYSTEM_SCRIPT : FACTS_SCRIPT], []);
  return [{ tag: FACTS_TAG, script, isTogether: true }];
}

/** Where a probe's time was up: its last word is which mounts do not answer, as that is the usual reason. */
export async function withHungMounts(session: Session, answers: ProbeAnswers): Promise<ProbeAnswers> {
  if (![...answers.failures.values()].some(isTimedOut)) return answers;
  const { frames } = await session.exchange(HUNG_MOUNTS, [], {
    deadlineMs: (HUNG_MOUNTS_SECONDS + 10) * 1000,
    doing: 'looking for mounts that do not answer',
  });
  const hung = parseHungMounts(frames.find(({ words }) => words[0] === 'hung')?.payload ?? new Uint8Array());
  const output =
    hung.length === 0 ? '' : `${hung.join(' and ')} on that host ${hung.length === 1 ? 'does' : 'do'} not answer`;
  const failures = [...answers.failures].map(
    ([tag, failure]) => [tag, isTimedOut(failure) ? { ...failure, output } : failure] as const,
  );
  return { ...answers, failures: new Map(failures) };
}

/**
 * Looks at the resources, the manifest and the host's facts in one exchange, under the shared lock; it is let go at
 * once. Changes nothing.
 */
export async function lookAtHost(
  session: Session,
  resources: readonly Resource[],
  { lockTimeoutMs, asks }: { lockTimeoutMs: number; asks: Asked },
): Promise<Look | Locked> {
  const batch = probeBatch(resources);
  const { nonce } = session;
  const script = joinScripts([
    sh`if [ -d ${STATE_DIRECTORY} ]; then
  frame manifest
  [ ! -d ${STATE_DIRECTORY}/manifest ] || grep -r -h -a -s --exclude='*.new' '' ${STATE_DIRECTORY}/manifest >&3
fi`,
    ...(asks === 'holdings' ? [HOLDINGS] : []),
    batch.script(nonce, PROBE_SECONDS, factsProbe(asks)),
  ]);
  const answer = await session.exchange(underSharedLock(script, lockTimeoutMs), [], {
    deadlineMs: DEADLINES.probeMs + lockTimeoutMs,
    doing: 'looking at the host',
  });
  const lockedBy = payloadText(answer.frames, 'locked');
  if (lockedBy !== undefined) return { lockedBy: lockedBy.trim() };
  const answers = await withHungMounts(session, readAnswers(answer.frames));
  const manifest = payloadText(answer.frames, 'manifest');
  const facts = answers.records.get(FACTS_TAG)?.get(0);
  const failure = answers.failures.get(FACTS_TAG);
  return {
    seen: readSeen(batch, answers),
    manifest: parseManifest(manifest ?? ''),
    system: facts === undefined ? undefined : parseSystem(facts),
    facts: facts === undefined || asks !== 'facts' ? undefined : parseFacts(facts),
    factsFailure: failure === undefined ? 'The host said nothing.' : `The probe ${reasonOf(failure)}`,
    holdings: parseHoldings(payloadText(answer.frames, 'holdings') ?? ''),
    hasState: manifest !== undefined,
  };
}

/** All facts, which were asked for. @throws FarmError where the host did not tell them */
export function factsOf(look: Look, host: string): Facts {
  if (look.facts === undefined) throw new FarmError(factsMissing(look, host));
  return look.facts;
}

/** What the inventory is held against, which was asked for. @throws FarmError where the host did not tell it */
export function systemOf(look: Look, host: string): System {
  if (look.system === undefined) throw new FarmError(factsMissing(look, host));
  return look.system;
}

function factsMissing({ factsFailure }: Look, host: string): Diagnostic {
  return problem('host/no-facts', 'Host does not say what it is', `${host} did not tell its system and addresses.`, {
    host,
    output: factsFailure,
    hint: 'Put right on the host what the output names, then run the same command again.',
  });
}

/** What the inventory says of a host and the host does not confirm. */
export function contradictions(
  host: Host,
  networks: ReadonlyMap<string, Network>,
  facts: System,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  if (facts.os !== host.os)
    found.push(
      problem(
        'host/wrong-system',
        'Host runs another system',
        `The inventory says that ${host.name} runs ${host.os}; it runs ${facts.os}.`,
        {
          host: host.name,
          at: host.at,
          hint: `Write \`os: ${facts.os}\` for this host if its roles support that.`,
        },
      ),
    );
  for (const [name, address] of host.addresses) {
    const device = networks.get(name)?.device;
    if (device === undefined) continue;
    const actual = Object.entries(facts.addresses).find(([, all]) =>
      all.some((one) => one.startsWith(`${address}/`)),
    )?.[0];
    if (actual === device) continue;
    const where = actual === undefined ? 'it has that address on no device' : `it has that address on ${actual}`;
    found.push(
      problem(
        'host/wrong-device',
        'Network device differs',
        `The inventory says that ${host.name} has ${address} on ${device}; ${where}.`,
        {
          severity: 'warning',
          host: host.name,
          at: host.at,
          hint: 'Correct the address, or the device of the network, in the inventory.',
        },
      ),
    );
  }
  return found;
}
