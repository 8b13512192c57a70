import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, formatAddress, parseAddress, parseCidr, reservedAddress } from '../../../src/model/address.ts';

describe('parseAddress', () => {
  it('is the inverse of formatAddress', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (value) => {
        expect(parseAddress(formatAddress(value))).toEqual({ value });
      }),
    );
  });

  it('never throws, and takes only what it would write itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{5,16}$/)), (text) => {
        const parsed = parseAddress(text);
        if ('value' in parsed) expect(formatAddress(parsed.value)).toBe(text);
      }),
    );
  });
});

describe('parseCidr', () => {
  it.each([
    ['10.77.0.0/24', { base: 0x0a4d0000, last: 0x0a4d00ff, prefix: 24 }],
    ['0.0.0.0/1', { base: 0, last: 0x7fffffff, prefix: 1 }],
    ['255.255.255.255/32', { base: 0xffffffff, last: 0xffffffff, prefix: 32 }],
  ])('%s', (text, value) => expect(parseCidr(text)).toEqual({ value }));

  it.each(['10.77.0.1/24', '10.77.0.0/0', '10.77.0.0/33', '10.77.0.0', '10.77.0.0/24/8', '::/64', '10.77.0.0/', '/24'])(
    'refuses %s',
    (text) => expect(parseCidr(text)).toHaveProperty('reason'),
  );

  it('holds its own addresses and no others', () => {
    const parsed = parseCidr('10.77.1.0/30');
    if ('reason' in parsed) throw new Error(parsed.reason);
    const { value: network } = parsed;
    expect([-1, 0, 3, 4].map((offset) => contains(network, network.base + offset))).toEqual([false, true, true, false]);
    expect([0, 1, 2, 3].map((offset) => reservedAddress(network, network.base + offset))).toEqual([
      'network',
      undefined,
      undefined,
      'broadcast',
    ]);
  });
});
