import type { BecomeSettings } from '../model/farm.ts';
import type { Secret } from '../model/secret.ts';
import { TransportError } from './transport.ts';

/** As whom commands run on one host, and with which password sudo may be answered. */
export interface Become {
  readonly user: string;
  readonly password: Secret | undefined;
}

/**
 * Who must be become, if anybody: by default root, and only where the login is not that user already.
 * @param loginUser the user that ssh logged in as
 */
export function becomeOf(settings: BecomeSettings, loginUser: string): Become | undefined {
  const user = settings.user ?? 'root';
  const isWanted = settings.enabled ?? loginUser !== user;
  return isWanted ? { user, password: settings.password } : undefined;
}

/**
 * The prompt for one start. sudo prints `%%` as `%`: what it asks with never stands in the command line, so a login
 * shell that echoes that (`set -x`) asks for nothing.
 * @param unique what nobody on the host can guess
 */
export function sudoPrompt(unique: string): string {
  return `farmctl-sudo-${unique}%:`;
}

/**
 * The command under sudo. No pty; sudo asks on stderr with our unguessable prompt and reads one line of stdin, byte by
 * byte, so that what follows is left to the command.
 * @param prompt as sudo is to print it
 * @throws TransportError for a user name that no host would take
 */
export function becomeCommand(command: string, user: string, prompt: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(user)) {
    throw new TransportError('become-failed', `"${user}" is not a user name, so commands cannot run as it.`);
  }
  return `env LC_ALL=C sudo -S -p ${prompt.replaceAll('%', '%%')} -u ${user} -- ${command}`;
}

interface Refusal {
  readonly pattern: RegExp;
  readonly text: (label: string, user: string) => string;
  readonly hint: string;
}

const refusals: readonly Refusal[] = [
  {
    pattern: /sudo'?: (command )?not found|sudo'?: No such file or directory|unknown command:? .?sudo/i,
    text: (label) => `There is no sudo on ${label}.`,
    hint: 'Install sudo there, log in as root (-u root), or switch become off for this host.',
  },
  {
    pattern: /is not in the sudoers file|may not run sudo|is not allowed to (execute|run)/,
    text: (label, user) => `sudo on ${label} does not let the login user run commands as ${user}.`,
    hint: 'Allow it in sudoers on that host (all commands: farmctl runs a shell), or log in as a user who may.',
  },
  {
    pattern: /must have a tty/,
    text: (label) => `sudo on ${label} demands a terminal (requiretty).`,
    hint: 'Remove "Defaults requiretty" for the login user in sudoers on that host.',
  },
  {
    pattern: /unknown user|invalid user/,
    text: (label, user) => `There is no user ${user} on ${label} to become.`,
    hint: 'Correct the become user in the inventory, or create that user first.',
  },
  {
    pattern: /account (has|is) expired|validation failure|account validation/,
    text: (label) => `sudo on ${label} says that the login user's account has expired or is locked.`,
    hint: 'Renew the account or its password on that host.',
  },
];

/** Why sudo ended without starting the command, read off what it printed. `how`: `exit status 1`. */
export function becomeRefused(label: string, become: Become, how: string, printed: string): TransportError {
  for (const { pattern, text, hint } of refusals) {
    if (pattern.test(printed)) return new TransportError('become-failed', text(label, become.user), hint);
  }
  // Where sudo allows one try only, it does not ask again.
  if (/incorrect password attempt|Sorry, try again/.test(printed)) return passwordWrong(label, become);
  const said = printed.trim();
  return new TransportError(
    'become-failed',
    `Becoming ${become.user} on ${label} failed: sudo ended with ${how}${said === '' ? '.' : ` and said: ${said}`}`,
    'Try sudo on that host by hand as the login user.',
  );
}

/** sudo asked and there is nothing to answer. */
export function passwordMissing(label: string, become: Become): TransportError {
  return new TransportError(
    'become-failed',
    `sudo on ${label} asks for a password to become ${become.user}, and none was given.`,
    'Give it with -K, or in the inventory: become: { password: !file PATH }.',
  );
}

/** Where a password comes from, for a message. */
function originOf(password: Secret | undefined): string {
  if (password === undefined) return 'none was given';
  return password.origin.startsWith('typed ') ? password.origin : `from ${password.origin}`;
}

/** sudo asked again after it had the password. */
export function passwordWrong(label: string, become: Become): TransportError {
  return new TransportError(
    'become-failed',
    `sudo on ${label} did not accept the password (${originOf(become.password)}).`,
    'Give the login user’s own password with -K or in the inventory (become: password). It was sent once only.',
  );
}

/** sudo neither asked with our prompt nor started the command. */
export function becomeTimedOut(label: string, become: Become, deadlineMs: number, printed: string): TransportError {
  const said = printed.trim();
  return new TransportError(
    'become-failed',
    `sudo on ${label} did not start a shell as ${become.user} within ${deadlineMs / 1000} s${said === '' ? '.' : `; it printed: ${said}`}`,
    'It may wait for a second factor or for an unreachable directory service: try sudo there by hand.',
  );
}
