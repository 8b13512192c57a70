import { expect, test } from 'vitest';
import type { Frame } from '../../../src/remote/frame.ts';
import { readAnswers } from '../../../src/remote/record.ts';

function frame(header: string, payload: string | Uint8Array = ''): Frame {
  return {
    words: header.split(' '),
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
  };
}

test('frames become records by tag and index', () => {
  const { records, failures } = readAnswers([
    frame('begin 0'),
    frame('record t0 0'),
    frame('field mode', '0644'),
    frame('field content', Uint8Array.from([0xef, 0xbb, 0xbf, 0x61, 0xff])),
    frame('end'),
    frame('record t0 1'),
    frame('end'),
    frame('record t1 0'),
    frame('field mode', ''),
    frame('end'),
  ]);
  const first = records.get('t0')?.get(0);
  expect([first?.text('mode'), first?.text('content'), first?.text('nothing')]).toEqual(['0644', '\ufeffa\ufffd', '']);
  expect([...(first?.bytes('content') ?? [])]).toEqual([0xef, 0xbb, 0xbf, 0x61, 0xff]);
  expect([...(first?.fields.keys() ?? [])]).toEqual(['mode', 'content']);
  expect(records.get('t0')?.get(1)?.has('mode')).toBe(false);
  expect(records.get('t1')?.get(0)?.has('mode')).toBe(true);
  expect(failures.size).toBe(0);
});

test('a record that was not ended did not come, and its failure is told', () => {
  const { records, failures } = readAnswers([
    frame('record t0 0'),
    frame('field mode', '0644'),
    frame('failed t0 124', 'sh: cannot\n'),
    frame('field mode', 'a stray one'),
    frame('end'),
    frame('record t1 0'),
    frame('field mode', 'x'),
  ]);
  expect(records.size).toBe(0);
  expect([...failures]).toEqual([['t0', { status: 124, output: 'sh: cannot\n' }]]);
});
