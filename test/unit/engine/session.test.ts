import { afterEach, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../../../src/engine/session.ts';
import { text } from '../../../src/model/content.ts';
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

describe('a shell inside a command', () => {
  const options = { deadlineMs: 5_000, doing: 'trying' };
  const where = new Script('frame "${WHERE-outside}"; frame .; exit 7');
  const inside = (shell: Script) => new Script(`WHERE=inside; export WHERE; ${shell.text}; exit $?`);
  const asked = async ({ exchange }: Session) => {
    const { frames, status } = await exchange(where, [], options);
    return [frames[0]?.words[0], status];
  };

  it('has the requests until it is left', async () => {
    const here = await open();
    expect(await asked(here)).toEqual(['outside', 7]);
    expect(await here.enter(inside, new Script(':'), options)).toBeUndefined();
    expect([await asked(here), await asked(here)]).toEqual([
      ['inside', 7],
      ['inside', 7],
    ]);
    expect(await here.leave(options)).toMatchObject({ status: 0 });
    expect(await asked(here)).toEqual(['outside', 7]);
  });

  it('may be the first that is asked for, and be left at once', async () => {
    const here = await open();
    expect(await here.enter(inside, new Script(':'), options)).toBeUndefined();
    expect(await here.leave(options)).toMatchObject({ status: 0 });
    expect(await asked(here)).toEqual(['outside', 7]);
  });

  it('gives back what the command ended with where it did not start', async () => {
    const here = await open();
    const refuses = () => new Script('frame no; frame .; exit 9');
    const answer = await here.enter(refuses, new Script(':'), options);
    expect(answer).toMatchObject({ status: 9, frames: [{ words: ['no'] }] });
    expect(await asked(here)).toEqual(['outside', 7]);
  });

  it('takes bodies and words with its first request', async () => {
    const here = await open();
    await here.enter(inside, new Script('BODIES=/tmp'), options);
    const script = new Script('read -r word; frame "$word $(cat "$B/0") $WHERE"; frame .');
    const [answer] = await Promise.all([here.exchange(script, [text('body')], options), here.say('go')]);
    expect(answer).toMatchObject({ status: 0, frames: [{ words: ['go', 'body', 'inside'] }] });
    await here.leave(options);
    await here.enter(inside, new Script(':'), options);
    const [second] = await Promise.all([
      here.exchange(new Script('read -r word; frame "$word"; frame .'), [], options),
      here.say('again'),
    ]);
    expect(second).toMatchObject({ status: 0, frames: [{ words: ['again'] }] });
  });

  it('is not mistaken for the one around it where it cannot read its first request', async () => {
    const here = await open();
    await here.enter(inside, new Script(':'), options);
    await expect(here.exchange(new Script('if'), [], options)).rejects.toThrow('could not read the request');
  });
});
