import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceName } from '../plan/desired.ts';
import type { Step } from '../plan/step.ts';
import { isTimedOut } from '../remote/record.ts';
import { TRANSACTION_STATUS } from '../remote/transaction.ts';
import { cureFor } from './failure.ts';

/**
 * What is said of a step that failed on a host: how far it came, and what to do.
 * @param status with which its script ended
 * @param output what its commands said; the end of it is shown
 */
export function failureOf(step: Step, host: string, status: number, output: string): Diagnostic {
  const resource = resourceName(step.resource);
  const rest = { host, resource, output: output.trim().split('\n').slice(-20).join('\n') };
  const transaction = step.effect?.transaction;
  const cure = cureFor(output, host);
  const told = (code: string, summary: string, detail: string, hint: string) =>
    problem(code, summary, detail, { ...rest, hint });
  if (transaction !== undefined) {
    if (status === TRANSACTION_STATUS.refused)
      return told(
        'service/refused-configuration',
        'Configuration refused',
        `The checker of ${transaction.unit} refuses the new configuration. Nothing of it was put in place.`,
        'Correct what it names, then plan again.',
      );
    if (status === TRANSACTION_STATUS.notShown)
      return told(
        'service/not-validated',
        'Configuration could not be validated',
        `The new configuration of ${transaction.unit} could not be shown to its checker. Nothing of it was put in place.`,
        cure ?? 'The host must allow mount namespaces (unshare) and have room in memory for a copy of the set.',
      );
    if (status === TRANSACTION_STATUS.checkerHung)
      return told(
        'service/checker-timeout',
        'Checker did not end',
        `The checker of ${transaction.unit} did not end in time. Nothing of the new configuration was put in place.`,
        'Look at the host: a hung mount or name server may hold it. Then run the same command again.',
      );
    if (status === TRANSACTION_STATUS.rolledBack)
      return told(
        'service/rolled-back',
        'Change taken back',
        transaction.wasActive
          ? `${transaction.unit} on ${host} did not come up on the new configuration. The old set is back and the process is as it was.`
          : `${transaction.unit} on ${host} did not come up. Its configuration is taken back, and it does not run, as before.`,
        cure ?? `Look at \`journalctl -u ${transaction.unit}\` on ${host}.`,
      );
    if (status === TRANSACTION_STATUS.broken)
      return told(
        'service/broken',
        'Change could not be taken back',
        `${transaction.unit} on ${host} did not come up on the new configuration, and the old one could not be brought back either.`,
        cure ??
          `Log in to ${host} and look at \`systemctl status ${transaction.unit}\`; the next apply goes on from there.`,
      );
  }
  const why = isTimedOut({ status }) ? 'its time was up' : `a command ended with status ${status}`;
  return told(
    'remote/command-failed',
    'Change failed',
    `${step.change.action} ${resource} on ${host}: ${why}.`,
    cure ?? 'Put right what the output names, then run the same command again: it goes on from there.',
  );
}
