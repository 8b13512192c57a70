import type { Secret } from '../model/secret.ts';
import type { AskAnswer } from './authentication.ts';
import type { Identities } from './identities.ts';
import type { AnswerPrompt } from './openssh-folder.ts';

/** Who answers what OpenSSH's client asks. */
export interface Answers {
  readonly label: string;
  readonly identities: Identities;
  readonly password: Secret | undefined;
  readonly askAnswer: AskAnswer | undefined;
  /** Runs a question to the user outside the connection's deadline. */
  readonly whileAsking: <T>(ask: () => Promise<T>) => Promise<T>;
}

/** One login's answers: a passphrase once for each key, the password once, all else by the user. */
export function answerPrompts({ label, identities, password, askAnswer, whileAsking }: Answers): AnswerPrompt {
  const given = new Set<string>();
  let isPasswordGiven = false;

  async function passphrase(path: string): Promise<string | undefined> {
    // Asked again: it was wrong, and the user was asked often enough.
    if (given.has(path)) return undefined;
    given.add(path);
    return (await whileAsking(() => identities.passphrase(path)))?.reveal();
  }

  return async (prompt) => {
    const [, key] = /^Enter passphrase for(?: key)? '?(.+?)'?: ?$/.exec(prompt) ?? [];
    if (key !== undefined) return await passphrase(key);
    // A question about a host key: those are not answered here.
    if (/\(yes\/no/.test(prompt)) return undefined;
    const isPassword = /password: ?$/i.test(prompt);
    if (password !== undefined && !isPasswordGiven) {
      isPasswordGiven = true;
      return password.reveal();
    }
    // The login's own password is what -k is for: it is not asked for in the middle of a run.
    if (askAnswer === undefined || (isPassword && /'s password: ?$/.test(prompt))) return undefined;
    const question = prompt.replace(/^\(\S+@\S+\) /, '');
    return (await whileAsking(() => askAnswer(label, question, false)))?.reveal();
  };
}
