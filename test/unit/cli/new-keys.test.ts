import { expect, it } from 'vitest';
import { acceptedKeys } from '../../../src/cli/new-keys.ts';

const key = (label: string) => ({ label, keyType: 'ssh-ed25519', fingerprint: 'SHA256:x', file: '/known' });

it('tells accepted keys in one block, once all hosts have connected or failed', () => {
  const told: string[] = [];
  const accepted = acceptedKeys(['app1', 'app2'], (line) => told.push(line));
  accepted.add(key('app1'));
  accepted.watch({ kind: 'host-connected', host: 'app1', afterMs: 1 });
  accepted.add(key('app2'));
  expect(told).toEqual([]);
  accepted.watch({ kind: 'host-connected', host: 'app2', afterMs: 1 });
  expect(told).toEqual([
    'Accepted 2 new host keys:',
    '  app1: ssh-ed25519 SHA256:x',
    '  app2: ssh-ed25519 SHA256:x',
    '  written to /known',
  ]);
  accepted.tell();
  expect(told).toHaveLength(4);
});
