import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../src/transport/endpoint.ts';
import { jumpLinks } from '../../../src/transport/jump.ts';
import { defaultConfig } from '../../../src/transport/ssh-config.ts';
import type { SshLink } from '../../../src/transport/ssh-link.ts';
import { TransportError } from '../../../src/transport/transport.ts';

function hop(name: string): Endpoint {
  return {
    label: name,
    name,
    address: name,
    port: 22,
    user: 'me',
    privateKey: undefined,
    config: defaultConfig(),
    pinned: [],
    acceptNew: false,
    jump: [],
    usesConfig: false,
    asked: { destination: name },
  };
}

/** A link to nowhere. */
function linkThat(onClose: () => void): SshLink {
  const unused = () => Promise.reject(new Error('not in this test'));
  const lost = new Promise<never>(() => {});
  return { exec: unused, forward: unused, lost, drop: onClose, close: onClose };
}

describe('jumpLinks', () => {
  it('lets the first hop go when the second one fails, and asks that one once for all hosts', async () => {
    const opened: string[] = [];
    let closed = 0;
    const jumps = jumpLinks(async ({ name }) => {
      opened.push(name);
      if (name === 'second') throw new TransportError('unreachable', 'Nobody is at home.');
      return linkThat(() => {
        closed += 1;
      });
    });
    const route = [hop('first'), hop('second')];
    for (let host = 0; host < 3; host += 1) await expect(jumps.open(route, [])).rejects.toThrow('at home');
    expect(opened).toEqual(['first', 'second']);
    await expect.poll(() => closed, { timeout: 5000 }).toBe(1);
    await sleep(300);
    expect(closed).toBe(1);
  });
});
