import { describe, expect, it } from 'vitest';
import { type HostKeyPolicy, hostKeyAlgorithms, isHostKnown, judgeHostKey } from '../../../src/transport/host-key.ts';
import { hashName, parseKnownHosts } from '../../../src/transport/known-hosts.ts';

function blob(keyType: string, body: string): Buffer {
  const type = Buffer.from(keyType);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, type, Buffer.from(body)]);
}

const shown = blob('ssh-ed25519', 'the host');
const SHOWN = `ssh-ed25519 ${shown.toString('base64')}`;
const OTHER = `ssh-ed25519 ${blob('ssh-ed25519', 'another').toString('base64')}`;
const RSA = `ssh-rsa ${blob('ssh-rsa', 'an rsa key').toString('base64')}`;

function policy(text: string, more: Partial<HostKeyPolicy> = {}): HostKeyPolicy {
  const known = parseKnownHosts([{ file: '/home/me/.ssh/known_hosts', text }]);
  const base = { label: 'app1 (10.77.0.21:22, user root)', name: '10.77.0.21', port: 22 };
  return { ...base, isAlias: false, known, pinned: [], acceptNew: false, ...more };
}

function verdict(given: HostKeyPolicy): string {
  const result = judgeHostKey(given, shown);
  return result.verdict === 'refused' ? result.error.failure : result.verdict;
}

describe('judgeHostKey', () => {
  it.each<[string, string, Partial<HostKeyPolicy>, string]>([
    ['nothing is known', '', {}, 'host-key-unknown'],
    ['nothing is known and new keys are accepted', '', { acceptNew: true }, 'new'],
    ['the key is known', `10.77.0.21 ${SHOWN}`, {}, 'known'],
    ['the key is known by a hash', `${hashName('10.77.0.21', Buffer.alloc(20, 1))} ${SHOWN}`, {}, 'known'],
    ['one of two keys fits', `10.77.0.21 ${OTHER}\n10.77.0.21 ${SHOWN}`, {}, 'known'],
    ['another key is known', `10.77.0.21 ${OTHER}`, {}, 'host-key-changed'],
    ['another key is known and new keys are accepted', `10.77.0.21 ${OTHER}`, { acceptNew: true }, 'host-key-changed'],
    ['a key of another kind is known', `10.77.0.21 ${RSA}`, {}, 'host-key-unknown'],
    // Stricter than ssh: an impostor could leave out the kind that is known.
    ['a key of another kind is known, new ones accepted', `10.77.0.21 ${RSA}`, { acceptNew: true }, 'host-key-changed'],
    ['the key is revoked', `@revoked 10.77.0.21 ${SHOWN}`, {}, 'host-key-revoked'],
    ['the key is revoked for all and known', `10.77.0.21 ${SHOWN}\n@revoked * ${SHOWN}`, {}, 'host-key-revoked'],
    ['the key is revoked and new ones accepted', `@revoked * ${SHOWN}`, { acceptNew: true }, 'host-key-revoked'],
    ['the key is revoked and pinned', `@revoked * ${SHOWN}`, { pinned: [SHOWN] }, 'host-key-revoked'],
    ['another key is revoked', `@revoked * ${OTHER}\n10.77.0.21 ${SHOWN}`, {}, 'known'],
    ['the key is pinned', '', { pinned: [SHOWN] }, 'known'],
    ['the key is pinned with a comment', '', { pinned: [`${SHOWN} root@app1`] }, 'known'],
    ['another key is pinned, this one known', `10.77.0.21 ${SHOWN}`, { pinned: [OTHER] }, 'host-key-changed'],
    ['another kind is pinned, new ones accepted', '', { pinned: [RSA], acceptNew: true }, 'host-key-changed'],
    ['a pin is nonsense', '', { pinned: ['nonsense'], acceptNew: true }, 'host-key-changed'],
    ['it is known on its port', `[10.77.0.21]:2222 ${SHOWN}`, { port: 2222 }, 'known'],
    ['it is known without its port', `10.77.0.21 ${SHOWN}`, { port: 2222 }, 'known'],
    ['another is known without its port', `10.77.0.21 ${OTHER}`, { port: 2222, acceptNew: true }, 'new'],
    ['it is known by its alias', `farm ${SHOWN}`, { name: 'farm', isAlias: true, port: 2222 }, 'known'],
    ['only an authority is known', `@cert-authority * ${OTHER}`, {}, 'unsupported'],
    ['only an authority is known, new ones accepted', `@cert-authority * ${OTHER}`, { acceptNew: true }, 'unsupported'],
    ['an authority and the key are known', `@cert-authority * ${OTHER}\n10.77.0.21 ${SHOWN}`, {}, 'known'],
  ])('where %s', (_title, text, more, expected) => {
    expect(verdict(policy(text, more))).toBe(expected);
  });

  function sentence(given: HostKeyPolicy): string {
    const result = judgeHostKey(given, shown);
    return result.verdict === 'refused' ? `${result.error.message}\n${result.error.hint}` : result.verdict;
  }

  it('says what to do about an unknown key', () => {
    expect(sentence(policy(''))).toMatchInlineSnapshot(`
      "The host key of app1 (10.77.0.21:22, user root) is not known: it shows ssh-ed25519 SHA256:r2iCNe+SBUpvDVPQ5MbMyWhVc3X2moExFu5OiE3VJoY, and neither the inventory nor known_hosts has a key of 10.77.0.21.
      Compare that fingerprint with the host’s console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then pin the key in the inventory (ssh: host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5dGhlIGhvc3Q="]) or run once with --accept-new."
    `);
  });

  it('says what to do about a changed key', () => {
    expect(sentence(policy(`[10.77.0.21]:2222 ${OTHER}`, { port: 2222 }))).toMatchInlineSnapshot(`
      "The host key of app1 (10.77.0.21:22, user root) has changed: it shows ssh-ed25519 SHA256:r2iCNe+SBUpvDVPQ5MbMyWhVc3X2moExFu5OiE3VJoY, but /home/me/.ssh/known_hosts:1 says ssh-ed25519 SHA256:nB1ma7XSWFfNcG5jL4D33jiu5i2mxy6tr2qrjAgU/i4. Somebody may be in between, or the host was installed anew.
      If you know why it changed, forget the old key with: ssh-keygen -R '[10.77.0.21]:2222' -f '/home/me/.ssh/known_hosts'; then pin the new one or run once with --accept-new."
    `);
  });

  it('says what to do about a revoked key', () => {
    expect(sentence(policy(`@revoked * ${SHOWN}`))).toMatchInlineSnapshot(`
      "app1 (10.77.0.21:22, user root) shows a host key that is revoked: ssh-ed25519 SHA256:r2iCNe+SBUpvDVPQ5MbMyWhVc3X2moExFu5OiE3VJoY, marked @revoked at /home/me/.ssh/known_hosts:1.
      Whoever holds a revoked key may not be that host: do not go on. Give the host new keys and make them known."
    `);
  });
});

describe('hostKeyAlgorithms', () => {
  it('asks for known kinds first and never for SHA-1', () => {
    expect(hostKeyAlgorithms(policy(`10.77.0.21 ${RSA}`)).slice(0, 3)).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-ed25519',
    ]);
    expect(hostKeyAlgorithms(policy('', { pinned: [RSA] }))[0]).toBe('rsa-sha2-512');
    expect(hostKeyAlgorithms(policy(''))[0]).toBe('ssh-ed25519');
    expect(hostKeyAlgorithms(policy(''))).not.toContain('ssh-rsa');
  });
});

describe('isHostKnown', () => {
  it.each<[string, string, Partial<HostKeyPolicy>, boolean]>([
    ['nothing', '', {}, false],
    ['a key', `10.77.0.21 ${OTHER}`, {}, true],
    ['a key of another host', `10.77.0.22 ${OTHER}`, {}, false],
    ['a pin', '', { pinned: [OTHER] }, true],
    ['a revoked key for all', `@revoked * ${OTHER}`, {}, false],
    ['a revoked key and a known one', `@revoked * ${OTHER}\n10.77.0.21 ${SHOWN}`, {}, true],
    ['a key of the host on port 22', `10.77.0.21 ${OTHER}`, { port: 2222 }, false],
    ['a key on its port', `[10.77.0.21]:2222 ${OTHER}`, { port: 2222 }, true],
    ['an authority', `@cert-authority 10.77.0.* ${OTHER}`, {}, true],
    ['an authority for the plain name', `@cert-authority 10.77.0.21 ${OTHER}`, { port: 2222 }, true],
  ])('%s', (_what, text, more, is) => {
    expect(isHostKnown(policy(text, more))).toBe(is);
  });
});
