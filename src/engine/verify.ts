import { openDirect } from '../checks/direct.ts';
import { type Reach, runCheck } from '../checks/run.ts';
import { semaphore } from '../lib/semaphore.ts';
import { hasErrors } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import { desiredOf, needsFacts } from '../plan/desired.ts';
import { isTimedOut, readAnswers } from '../remote/record.ts';
import { limited } from '../remote/runtime.ts';
import { Script } from '../remote/sh.ts';
import type { Check } from '../role/check.ts';
import { type ResolvedFarm, resolveFarm } from '../role/view.ts';
import type { HostResult } from './events.ts';
import { hostFailure } from './failure.ts';
import { heldVips } from './held-vips.ts';
import { fail, type HostRun, newHostRun, openHost, resultOf } from './host-run.ts';
import { lockedFailure } from './lock-host.ts';
import { factsOf, lookAtHost } from './look.ts';
import { tagFilter } from './prepare.ts';
import type { CheckResult, RunOptions } from './run.ts';
import { judgeVips, type VipAnswer } from './vip-holders.ts';

/** Checks of one host at once: as many streams as fit beside the shell into sshd's default of ten a connection. */
const CHECKS_AT_ONCE = 8;

/** Runs every declared check of the selected hosts and parts. Changes nothing. */
export async function runChecks(
  options: RunOptions,
): Promise<{ readonly checks: readonly CheckResult[]; readonly results: readonly HostResult[] }> {
  const resolved = resolveFarm(options.farm, options.roles);
  const forks = semaphore(options.forks);
  const runs = options.hosts.flatMap((name) => {
    const host = options.farm.hosts.get(name);
    return host === undefined ? [] : [newHostRun(host)];
  });
  options.report({ kind: 'run-started', hosts: options.hosts });
  const answers: VipAnswer[] = [];
  const checks = await Promise.all(runs.map((run) => forks.use(() => checkHost(run, resolved, options, answers))));
  const judged = judgeVips(answers, options.farm.vips, options.hosts);
  return {
    checks: checks.flat().map((one) => judged.get(one) ?? one),
    results: runs.map((run) => resultOf(run, false)),
  };
}

async function checkHost(
  run: HostRun,
  resolved: ResolvedFarm,
  options: RunOptions,
  answers: VipAnswer[],
): Promise<readonly CheckResult[]> {
  const { host } = run;
  const filter = tagFilter(options.roles, options.tags, options.skipTags);
  if (!(await openHost(run, options)) || run.session === undefined) return [];
  const { session } = run;
  try {
    let facts: Facts | undefined;
    if (needsFacts(resolved.partsOf(host.name))) {
      const look = await lookAtHost(session, [], { lockTimeoutMs: options.lockTimeoutMs, asks: 'facts' });
      if ('lockedBy' in look) {
        fail(run, lockedFailure(host.name, look), options);
        return [];
      }
      facts = factsOf(look, host.name);
    }
    const rendering = performance.now();
    const desired = desiredOf(options.farm, resolved, host.name, options.templates, facts);
    run.timings.computeMs = performance.now() - rendering;
    const state = hasErrors(desired.diagnostics) ? 'refused' : 'planned';
    run.plan = { ...run.plan, diagnostics: desired.diagnostics, state };
    const declared = desired.parts
      .filter((part) => filter(part.part, part.role))
      .flatMap((part) => part.checks.map((check) => ({ part: part.part, check })));
    const places = semaphore(CHECKS_AT_ONCE);
    // The one channel answers one request at a time: commands take their turn.
    const turn = semaphore(1);
    const checking = performance.now();
    const checked = await Promise.all(
      declared.map(({ part, check }) =>
        places.use(async () => {
          const about = { host: host.name, part, name: check.name };
          if (check.kind !== 'vip') {
            const outcome = await runCheck(check, reachOf(run, check, turn), options.killing);
            return { ...about, ...outcome };
          }
          const startedAt = performance.now();
          const held = await turn.use(() => heldVips(run, options));
          const durationMs = Math.round(performance.now() - startedAt);
          const result = { ...about, ok: false, detail: 'not asked', durationMs };
          if (run.failure === undefined) answers.push({ vip: check.vip, isHeld: held.includes(check.vip), result });
          return result;
        }),
      ),
    );
    run.timings.probeMs = performance.now() - checking;
    const partsMs: Record<string, number> = {};
    for (const { part, durationMs } of checked) partsMs[part] = (partsMs[part] ?? 0) + durationMs;
    run.timings.partsMs = partsMs;
    return checked;
  } catch (error) {
    fail(run, hostFailure(error, host.name, true), options);
    return [];
  } finally {
    session.close();
  }
}

function reachOf(run: HostRun, check: Check, turn: ReturnType<typeof semaphore>): Reach {
  return {
    async open(address, port, signal) {
      if (check.from === 'controller') return openDirect(address, port, signal);
      if (run.connection === undefined) throw new Error('the host is not connected');
      return run.connection.forward(address, port);
    },
    command: (script, deadlineMs) =>
      turn.use(async () => {
        const { session } = run;
        if (session === undefined) throw new Error('the host is not connected');
        const seconds = Math.ceil(deadlineMs / 1000);
        const said = new Script(`exec 5>&3
said=$( (
${script.text}
) 2>&1 )
r=$?
record 0
field output "$said"
field status "$r"
end_record`);
        const answer = await session.exchange(limited(said, { tag: 'check', seconds, nonce: session.nonce }), [], {
          deadlineMs: deadlineMs + 5_000,
          doing: `running the check ${check.name}`,
        });
        const { records, failures } = readAnswers(answer.frames);
        const record = records.get('check')?.get(0);
        if (record !== undefined) return { code: Number(record.text('status')), output: record.text('output') };
        const failure = failures.get('check');
        const timedOut = failure !== undefined && isTimedOut(failure);
        return { code: timedOut ? undefined : (failure?.status ?? 1), output: failure?.output ?? '' };
      }),
  };
}
