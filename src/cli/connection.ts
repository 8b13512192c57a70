import { FarmError, problem } from '../model/diagnostic.ts';
import type { Farm, Host } from '../model/farm.ts';
import type { Secret } from '../model/secret.ts';
import type { ConnectionFlags } from './options.ts';
import { askSecret } from './question.ts';
import type { Terminal } from './terminal.ts';

/** Passwords of the command line. */
export interface Passwords {
  readonly login: Secret | undefined;
  readonly become: Secret | undefined;
}

/** Asks for what `-k` and `-K` want. @throws FarmError where nobody can be asked */
export async function askPasswords(flags: ConnectionFlags, terminal: Terminal): Promise<Passwords> {
  const login = flags.askPass ? await wanted(terminal, 'Login password', '-k') : undefined;
  if (!flags.askBecomePass) return { login, become: undefined };
  const become = await wanted(terminal, 'sudo password (empty: as the login password)', '-K');
  return { login, become: become.reveal() === '' && login !== undefined ? login : become };
}

/** An option that asks cannot go on without an answer. */
async function wanted(terminal: Terminal, message: string, option: string): Promise<Secret> {
  const answer = await askSecret(terminal, message, option);
  if (answer !== undefined) return answer;
  throw new FarmError(problem('cli/no-answer', 'No answer', `The question of ${option} was not answered.`));
}

/** The farm with what the command line says about connections: it wins over the inventory. */
export function withConnection(farm: Farm, flags: ConnectionFlags, become: Secret | undefined): Farm {
  const change = (host: Host): Host => ({
    ...host,
    ssh: {
      ...host.ssh,
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.privateKey === undefined ? {} : { privateKey: flags.privateKey }),
      ...(flags.acceptNew ? { acceptNew: true } : {}),
    },
    become: {
      ...host.become,
      ...(flags.become ? { enabled: true } : {}),
      ...(become === undefined ? {} : { password: become }),
    },
  });
  return { ...farm, hosts: new Map([...farm.hosts].map(([name, host]) => [name, change(host)])) };
}
