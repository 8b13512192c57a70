import { expect, test } from 'vitest';
import { headStart } from '../../../src/transport/head-start.ts';
import { localTransport } from '../../../src/transport/local.ts';
import type { Connection, Transport } from '../../../src/transport/transport.ts';

/** The local transport, with a list of what it was asked for and a list of what was closed. */
function counted(): { transport: Transport; asked: string[]; closed: string[] } {
  const local = localTransport();
  const asked: string[] = [];
  const closed: string[] = [];
  const connect = async (host: string, signal: AbortSignal): Promise<Connection> => {
    asked.push(host);
    if (host === 'broken') throw new Error('no way there');
    const connection = await local.connect(host, signal);
    const close = () => {
      closed.push(host);
      connection.close();
    };
    return { ...connection, close };
  };
  return { transport: { connect }, asked, closed };
}

const { signal } = new AbortController();

test('each host is connected to once, and the second time anew', async () => {
  const { transport, asked } = counted();
  const ahead = headStart(transport, ['a', 'b'], signal);
  expect(asked).toEqual(['a', 'b']);
  expect(ahead.beganAt?.('a')).toBeTypeOf('number');
  for (const host of ['a', 'b', 'c']) (await ahead.connect(host, signal)).close();
  expect(asked).toEqual(['a', 'b', 'c']);
  expect(ahead.beganAt?.('a')).toBeUndefined();
  (await ahead.connect('a', signal)).close();
  expect(asked).toEqual(['a', 'b', 'c', 'a']);
});

test('another signal is another connection', async () => {
  const { transport, asked } = counted();
  const ahead = headStart(transport, ['a'], signal);
  (await ahead.connect('a', new AbortController().signal)).close();
  expect(asked).toEqual(['a', 'a']);
  ahead.close();
});

test('what nobody asks for is closed, and its failure is nobody’s', async () => {
  const { transport, closed } = counted();
  const ahead = headStart(transport, ['a', 'broken', 'b'], signal);
  const taken = await ahead.connect('b', signal);
  ahead.close();
  await expect.poll(() => closed).toEqual(['a']);
  taken.close();
});

test('who asks for a host that failed hears of it', async () => {
  const ahead = headStart(counted().transport, ['broken'], signal);
  await expect(ahead.connect('broken', signal)).rejects.toThrow('no way there');
});
