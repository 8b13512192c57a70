import { hostname, userInfo } from 'node:os';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { type ManifestEntry, manifestKey } from '../plan/manifest.ts';
import { pathKey } from '../remote/file-script.ts';
import { payloadText } from '../remote/frame.ts';
import { STATE_DIRECTORY, signsOfLife } from '../remote/runtime.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { STATE_FUNCTIONS } from '../remote/state-functions.ts';
import { DEADLINES } from './deadlines.ts';
import { cureFor, type HostFailure } from './failure.ts';
import { fail, type HostRun } from './host-run.ts';
import { LOCKED_STATUS, type Locked } from './look.ts';
import type { RunOptions } from './run.ts';
import type { Answer } from './session.ts';
import { LOG_PATH, preparationScript } from './step-script.ts';

/** What is said of a host that another run holds. */
export function lockedFailure(host: string, locked: Locked): HostFailure {
  const by = locked.lockedBy === '' ? 'another run' : `another run: ${locked.lockedBy}`;
  return {
    outcome: 'locked',
    diagnostic: problem('host/locked', 'Host is locked', `${host} is held by ${by}.`, {
      host,
      hint: 'Wait for that run to end, or give this one more patience with --lock-timeout SECONDS.',
    }),
  };
}

/** Takes the host's exclusive lock for the rest of the run, and masks what must not start too early. */
export async function lockHost(run: HostRun, options: RunOptions): Promise<boolean> {
  const { session, host } = run;
  if (session === undefined) return false;
  if (run.isLocked) return true;
  const seconds = Math.ceil(options.lockTimeoutMs / 1000);
  const owner = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`;
  const exchange = { deadlineMs: DEADLINES.stepMs + options.lockTimeoutMs, doing: 'locking the host' };
  const command = (shell: Script) =>
    new Script(`${STATE_FUNCTIONS}${told(new Script('open_state')).text}
flock -x -o -w ${seconds} -E ${LOCKED_STATUS} ${STATE_DIRECTORY} ${shell.text}
r=$?
[ $r -ne ${LOCKED_STATUS} ] || { frame locked; cat ${STATE_DIRECTORY}/owner >&3 2>/dev/null; }
exit $r`);
  // Before the lock is free again: who is refused later is not told of a run that has ended.
  const leaving = signsOfLife(sh`rm -f -- ${STATE_DIRECTORY}/owner ${LOG_PATH}`);
  const refused = await session.enter(command, leaving, exchange);
  if (refused !== undefined) {
    const lockedBy = payloadText(refused.frames, 'locked')?.trim();
    const failure: HostFailure =
      lockedBy === undefined
        ? { outcome: 'failed', diagnostic: unwritable(host.name, 'cannot be made or locked', refused) }
        : lockedFailure(host.name, { lockedBy });
    fail(run, failure, options);
    return false;
  }
  run.isLocked = true;
  const begun = await session.exchange(
    joinScripts([
      sh`for d in ${STATE_DIRECTORY}/.farmctl-bodies.*; do [ ! -e "$d" ] || rm -rf -- "$d"; done
printf '%s\n' ${owner} >${STATE_DIRECTORY}/owner`,
      told(
        joinScripts([
          forgetScript(run.forgotten, run.unclaimed),
          run.preparations.length > 0 ? preparationScript(run.preparations) : new Script(':'),
        ]),
      ),
    ]),
    [],
    exchange,
  );
  if (begun.status === 0) return true;
  fail(run, { outcome: 'failed', diagnostic: unwritable(host.name, 'cannot be written to', begun) }, options);
  return false;
}

/** Drops entries of the manifest, and claims to paths at which nothing of ours is left. */
export function forgetScript(entries: readonly ManifestEntry[], unclaimed: readonly string[] = []): Script {
  const files = [
    ...entries.map((entry) => `manifest/${manifestKey(entry)}`),
    ...unclaimed.map((path) => `paths/${pathKey(path)}`),
  ];
  return joinScripts(files.map((name) => sh`rm -f -- ${`${STATE_DIRECTORY}/${name}`}`));
}

/** The script in a shell of its own; where it fails, what it said is sent and the request ends with 1. */
function told(script: Script): Script {
  return new Script(`e=$( (
${script.text}
) 2>&1 </dev/null ) || { frame said; printf '%s' "$e" | tail -c 2000 >&3; exit 1; }`);
}

function unwritable(host: string, how: string, answer: Answer): Diagnostic {
  const output = payloadText(answer.frames, 'said')?.trim() ?? '';
  return problem('host/cannot-write', 'Host cannot be written to', `${host}: ${STATE_DIRECTORY} ${how}.`, {
    host,
    output,
    hint: cureFor(output, host) ?? 'Put right what the output names, then run the same command again.',
  });
}
