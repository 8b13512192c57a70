import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startDeadline } from '../../../src/transport/deadline.ts';
import { handshakeSlots, retryBusy } from '../../../src/transport/pacing.ts';

const never = new AbortController().signal;

describe('handshakeSlots', () => {
  it('lets so many in at once, in order', async () => {
    const slots = handshakeSlots(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3, 4, 5].map(async (number) => {
        const release = await slots.acquire(never);
        order.push(number);
        inside += 1;
        most = Math.max(most, inside);
        await sleep(10);
        inside -= 1;
        release();
        release();
      }),
    );
    expect(order).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it('takes a slot back from one that keeps it too long', async () => {
    const slots = handshakeSlots(1, 30);
    const late = await slots.acquire(never);
    const release = await slots.acquire(never);
    // The late one's own release must not free the slot of its successor.
    late();
    const third = slots.acquire(AbortSignal.timeout(10));
    await expect(third).rejects.toThrow('timeout');
    release();
    (await slots.acquire(never))();
  });

  it('forgets one that gave up waiting', async () => {
    const slots = handshakeSlots(1);
    const release = await slots.acquire(never);
    await expect(slots.acquire(AbortSignal.timeout(5))).rejects.toThrow();
    release();
    (await slots.acquire(never))();
  });
});

describe('retryBusy', () => {
  it('tries again while the other side is busy', async () => {
    let tries = 0;
    const value = await retryBusy(async () => {
      tries += 1;
      return tries < 3 ? { busy: new Error('busy') } : { value: tries };
    }, never);
    expect(value).toBe(3);
  });

  it('throws what kept it busy when the time is up, other errors at once', async () => {
    const busy = new Error('busy');
    await expect(retryBusy(async () => ({ busy }), AbortSignal.timeout(50))).rejects.toBe(busy);
    const final = new Error('final');
    await expect(retryBusy(() => Promise.reject(final), never)).rejects.toBe(final);
  });
});

describe('startDeadline', () => {
  it('stands still while something that does not count goes on', async () => {
    let isUp = false;
    const deadline = startDeadline(60, () => {
      isUp = true;
    });
    await deadline.paused(() => sleep(120));
    expect(isUp).toBe(false);
    await sleep(80);
    expect(isUp).toBe(true);
  });
});
