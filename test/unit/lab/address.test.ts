import { expect, test } from 'vitest';
import { freeAddress, inNetwork } from '../../lab/address.ts';

test('the lab takes the highest address that nobody has', () => {
  expect(freeAddress('10.77.0.0/24', new Set())).toBe('10.77.0.254');
  expect(freeAddress('10.77.0.0/24', new Set(['10.77.0.254', '10.77.0.253']))).toBe('10.77.0.252');
  expect(freeAddress('10.77.0.8/30', new Set(['10.77.0.9', '10.77.0.10']))).toBeUndefined();
});

test('knows when one network lies in another', () => {
  expect(inNetwork('10.77.0.0/24', '10.0.0.0/8')).toBe(true);
  expect(inNetwork('10.77.0.7', '10.77.0.0/24')).toBe(true);
  expect(inNetwork('10.0.0.0/8', '10.77.0.0/24')).toBe(false);
  expect(inNetwork('10.77.0.0/24', 'fd00::/64')).toBe(false);
});
