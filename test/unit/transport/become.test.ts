import { describe, expect, it } from 'vitest';
import type { BecomeSettings } from '../../../src/model/farm.ts';
import { Secret } from '../../../src/model/secret.ts';
import { LOADER } from '../../../src/remote/loader.ts';
import { becomeCommand, becomeOf, becomeRefused, sudoPrompt } from '../../../src/transport/become.ts';

describe('becomeOf', () => {
  it.each<[BecomeSettings, string, string | undefined]>([
    [{}, 'operator', 'root'],
    [{}, 'root', undefined],
    [{ enabled: false }, 'operator', undefined],
    [{ enabled: true }, 'root', 'root'],
    [{ user: 'www-data' }, 'root', 'www-data'],
    [{ user: 'deploy' }, 'deploy', undefined],
  ])('%j as %s becomes %s', (settings, login, user) => {
    expect(becomeOf(settings, login)?.user).toBe(user);
  });
});

describe('becomeCommand', () => {
  it('puts sudo in front of the loader', () => {
    expect(becomeCommand(LOADER, 'root', 'prompt:')).toBe(`env LC_ALL=C sudo -S -p prompt: -u root -- ${LOADER}`);
  });

  it('holds no text that sudo asks with, so that an echoed command line is no question', () => {
    const prompt = sudoPrompt('0a1b');
    expect(becomeCommand(LOADER, 'root', prompt)).toContain(`-p ${prompt.replace('%', '%%')} -u`);
    expect(becomeCommand(LOADER, 'root', prompt)).not.toContain(prompt);
  });

  it.each(['root; reboot', '$(id)', '-u', "o'brien", '', 'a b'])('refuses the user %j', (user) => {
    expect(() => becomeCommand(LOADER, user, 'prompt:')).toThrow('is not a user name');
  });
});

describe('becomeRefused', () => {
  const become = { user: 'root', password: new Secret('x', 'file sudo.key') };

  it.each([
    ["env: 'sudo': No such file or directory", 'There is no sudo on app1.'],
    ['sh: 1: sudo: not found', 'There is no sudo on app1.'],
    ['operator is not in the sudoers file.', 'does not let the login user run commands as root'],
    ["Sorry, user operator is not allowed to execute 'sh -c …' as root on app1.", 'does not let the login user'],
    ['sudo: sorry, you must have a tty to run sudo', 'demands a terminal'],
    ['sudo: unknown user: deploy', 'There is no user root on app1'],
    ['Sorry, try again.\nsudo: 1 incorrect password attempt', 'did not accept the password (from file sudo.key)'],
    ['sudo: account validation failure, is your account locked?', 'expired or is locked'],
    ['something else', 'sudo ended with exit status 1 and said: something else'],
  ])('reads %j', (printed, sentence) => {
    const error = becomeRefused('app1', become, 'exit status 1', printed);
    expect(error.failure).toBe('become-failed');
    expect(error.message).toContain(sentence);
    expect(error.hint).toBeTruthy();
  });
});
