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
  const login = flags.askPass ? await askSecret(terminal, 'Login password', '-k') : undefined;
  if (!flags.askBecomePass) return { login, become: undefined };
  const become = await askSecret(terminal, 'sudo password (empty: as the login password)', '-K');
  return { login, become: become.reveal() === '' && login !== undefined ? login : become };
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
