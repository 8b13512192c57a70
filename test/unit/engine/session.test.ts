import { afterEach, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../../../src/engine/session.ts';
import { Script } from '../../../src/remote/sh.ts';
import { localTransport } from '../../../src/transport/local.ts';

const { signal } = new AbortController();
let session: Session | undefined;

async function open(): Promise<Session> {
  session = await openSession(await localTransport({}).connect('here', signal));
  return session;
}
afterEach(() => session?.close());

describe('an exchange', () => {
  it('gives up a host that says nothing, by the deadline of what is under way', async () => {
    const { exchange } = await open();
    let allowed = 10_000;
    const run = exchange(new Script('frame first; frame .; sleep 20'), [], {
      deadlineMs: () => allowed,
      doing: 'waiting',
      onFrame: () => {
        allowed = 100;
      },
    });
    await expect(run).rejects.toThrow('no answer within 0.1 s while waiting; the host was given up');
  });

  it('gives up a host that says something all the time and never ends', async () => {
    const { exchange } = await open();
    const drip = new Script('i=0; while [ $i -lt 200 ]; do i=$((i+1)); frame drop; frame .; sleep 0.1; done');
    const run = exchange(drip, [], { deadlineMs: 5_000, totalMs: 600, doing: 'waiting' });
    await expect(run).rejects.toThrow('no end within 0.6 s while waiting; the host was given up');
  });

  it('keeps nothing of what is streamed', async () => {
    const { exchange } = await open();
    const heard: string[] = [];
    const say = new Script('for word in a b c; do frame "$word"; frame .; done');
    const options = { deadlineMs: 5_000, doing: 'listening' };
    const onFrame = ({ words }: { words: readonly string[] }) => heard.push(words[0] ?? '');
    const answer = await exchange(say, [], { ...options, onFrame, isStreamed: true });
    expect(answer).toEqual({ frames: [], status: 0 });
    expect(heard).toEqual(['a', 'b', 'c']);
    expect((await exchange(say, [], options)).frames.map(({ words }) => words[0])).toEqual(['a', 'b', 'c']);
  });
});
