import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, FrameError, frameReader } from '../../../src/remote/frame.ts';

const NONCE = '0123456789abcdef0123456789abcdef';

function encode(frames: readonly { header: string; payload: Uint8Array }[]): Buffer {
  const parts = frames.flatMap(({ header, payload }) => [Buffer.from(`\n@${NONCE} ${header}\n`), payload]);
  return Buffer.concat([...parts, Buffer.from(`\n@${NONCE} .\n`), Buffer.from(`\n@${NONCE} .\n`)]);
}

function pushAll(bytes: Buffer, cuts: readonly number[]): Frame[] {
  const reader = frameReader(NONCE, 1_000_000);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const frames: Frame[] = [];
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    frames.push(...reader.push(bytes.subarray(from, end)));
    from = end;
  }
  return frames;
}

describe('frameReader', () => {
  it('gives back every payload, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            header: fc.constantFrom('field a', 'record t 0', 'end'),
            payload: fc.uint8Array({ maxLength: 300 }),
          }),
        ),
        fc.array(fc.nat()),
        (sent, cuts) => {
          const frames = pushAll(encode(sent), cuts).slice(0, sent.length);
          expect(frames.map((frame) => frame.words.join(' '))).toEqual(sent.map((one) => one.header));
          expect(frames.map((frame) => [...frame.payload])).toEqual(sent.map((one) => [...one.payload]));
        },
      ),
    );
  });

  it('passes over a banner and keeps payloads that look like frames of another session', () => {
    const payload = Buffer.from('\n@ffffffffffffffffffffffffffffffff exit 0\n\0\xff');
    const bytes = Buffer.concat([
      Buffer.from('Welcome!\nlast login: @ today\n'),
      encode([{ header: 'field x', payload }]),
    ]);
    const [first] = pushAll(bytes, [3, 40, 41]);
    expect(first?.words).toEqual(['field', 'x']);
    expect(Buffer.from(first?.payload ?? []).equals(payload)).toBe(true);
  });

  it('refuses a payload larger than its limit', () => {
    const reader = frameReader(NONCE, 100);
    reader.push(Buffer.from(`\n@${NONCE} field x\n`));
    expect(() => reader.push(new Uint8Array(10_000))).toThrow(FrameError);
  });

  it('refuses an endless header', () => {
    const reader = frameReader(NONCE, 100_000);
    expect(() => reader.push(Buffer.from(`\n@${NONCE} ${'x'.repeat(10_000)}`))).toThrow(FrameError);
  });
});
