import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytes, text } from '../../../src/model/content.ts';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

test('a content is sent whole, in pieces, whatever it was made of', () => {
  const long = `${'x'.repeat(65_535)}😀 and more\n`.repeat(3);
  const wanted = Buffer.from(long);
  const halves = () => [wanted.subarray(0, 100), wanted.subarray(100)];
  for (const content of [text(long), bytes(wanted), bytes(halves)]) {
    expect(content).toMatchObject({ size: wanted.length, digest: sha256(wanted) });
    const pieces = [...content.pieces()];
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(wanted)).toBe(true);
  }
});

test('of what is made in pieces one is there at a time', () => {
  let made = 0;
  const content = bytes(function* () {
    for (const piece of ['a', 'b', 'c']) {
      made += 1;
      yield Buffer.from(piece);
    }
  });
  expect(made).toBe(0);
  expect(content.size).toBe(3);
  const pieces = content.pieces();
  pieces.next();
  expect(made).toBe(4);
});
