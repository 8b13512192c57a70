import { describe, expect, it } from 'vitest';
import { resolveTarget } from '../../../src/transport/endpoint.ts';
import {
  clientFailed,
  clientLost,
  isKeyRefused,
  isTurnedAway,
  listenToClient,
} from '../../../src/transport/openssh-failure.ts';
import { defaultConfig } from '../../../src/transport/ssh-config.ts';

const endpoint = await resolveTarget(
  { name: 'app1', address: '10.0.0.1', settings: { user: 'operator' }, become: {} },
  async () => defaultConfig(),
);

function words(...lines: readonly string[]) {
  const listener = listenToClient(() => {});
  // In pieces that end in the middle of lines.
  for (const piece of lines.join('\r\n').match(/[\s\S]{1,7}/g) ?? []) listener.hear(piece);
  return listener.words();
}

const ESTABLISHED = 'debug1: Connection established.';
const KEYED = 'debug1: SSH2_MSG_NEWKEYS received';

describe('what OpenSSH’s client says becomes the failures of the other client', () => {
  it.each([
    [
      ['ssh: connect to host 10.0.0.1 port 22: Connection refused'],
      'unreachable: app1 (10.0.0.1:22, user operator) cannot be reached: nothing listens on that port.',
    ],
    [
      ['ssh: Could not resolve hostname app1: Name or service not known'],
      'unreachable: app1 (10.0.0.1:22, user operator) cannot be reached: the name 10.0.0.1 does not exist.',
    ],
    [
      [
        ESTABLISHED,
        KEYED,
        'debug1: Authentications that can continue: publickey,password',
        'debug1: Offering public key: /keys/one two ED25519 SHA256:abc explicit',
        'debug1: Offering public key: me@desk RSA SHA256:abc agent',
        'Load key "/keys/loose": bad permissions',
        'operator@10.0.0.1: Permission denied (publickey,password).',
      ],
      "auth-failed: app1 (10.0.0.1:22, user operator) did not let us in. Tried: the key /keys/one two, the agent's key me@desk. It takes: publickey, password. /keys/loose was left out: bad permissions.",
    ],
    [
      [ESTABLISHED, 'kex_exchange_identification: Connection closed by remote host'],
      'unreachable: The connection to app1 (10.0.0.1:22, user operator) broke before the login: the other side closed it.',
    ],
    [
      [ESTABLISHED, 'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-dss'],
      'unsupported: app1 (10.0.0.1:22, user operator) and the OpenSSH client of this machine have no algorithm in common: Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-dss',
    ],
    [
      ['sh: 1: ssh: not found'],
      "unsupported: Reaching app1 (10.0.0.1:22, user operator) needs OpenSSH's own client, and there is no ssh on this machine.",
    ],
    [
      [
        '/home/me/.ssh/config: line 3: Bad configuration option: nonsense',
        '/home/me/.ssh/config: terminating, 1 bad configuration options',
      ],
      'unsupported: The OpenSSH client refuses its configuration for app1 (10.0.0.1:22, user operator): /home/me/.ssh/config: terminating, 1 bad configuration options',
    ],
  ])('%j', (lines, expected) => {
    const { failure, message } = clientFailed(endpoint, words(...lines));
    expect(`${failure}: ${message}`).toBe(expected);
  });

  it('takes no banner of the host for a refusal before the login', () => {
    const said = words(ESTABLISHED, KEYED, 'ssh: connect to host 10.0.0.1 port 22: Connection refused', 'it hung up');
    expect(clientFailed(endpoint, said).message).toContain('broke during the login');
  });

  it('tells a busy sshd and a refused key', () => {
    expect(isTurnedAway(words(ESTABLISHED, 'kex_exchange_identification: read: Connection reset by peer'))).toBe(true);
    expect(isTurnedAway(words(ESTABLISHED, KEYED, 'Connection closed by 10.0.0.1 port 22'))).toBe(false);
    expect(isKeyRefused(words('Host key verification failed.'))).toBe(true);
    expect(isKeyRefused(words('debug1: Host key verification failed.'))).toBe(false);
  });

  it('tells a silent host from one that hung up', () => {
    expect(clientLost(endpoint, words('Timeout, server 10.0.0.1 not responding.'), 10_000).message).toContain(
      'it did not answer for 40 s',
    );
    expect(clientLost(endpoint, words('Connection to 10.0.0.1 closed by remote host.'), 10_000).message).toContain(
      'the other side closed it',
    );
  });
});
