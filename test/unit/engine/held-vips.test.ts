import { expect, it } from 'vitest';
import { partners, vipsIn } from '../../../src/engine/held-vips.ts';
import type { Vip } from '../../../src/model/farm.ts';

const at = { file: 'farm.yaml', line: 1, column: 1 };
const vip = (name: string, address: string, ...pair: [string, string]): Vip => ({
  name,
  address,
  network: 'web',
  pair,
  at,
});
const VIPS = [
  vip('dns', '10.77.0.53', 'ns1', 'ns2'),
  vip('www', '10.77.0.100', 'lb1', 'lb2'),
  vip('media', '10.77.0.101', 'lb2', 'lb1'),
];

it('finds the VIPs of a host, whatever their prefix, and not those that only lie on its loopback', () => {
  const text = `1: lo    inet 127.0.0.1/8 scope host lo
1: lo    inet 10.77.0.101/32 scope global lo
2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global eth0
2: eth0    inet 10.77.0.100/32 scope global eth0
2: eth0    inet 10.77.0.53/24 scope global secondary eth0\\       valid_lft forever preferred_lft forever`;
  expect(vipsIn(text, 'lb1', VIPS)).toEqual(['www']);
  expect(vipsIn(text, 'ns1', VIPS)).toEqual(['dns']);
  expect(vipsIn(text, 'app1', VIPS)).toEqual([]);
  expect(vipsIn('ip: not found', 'ns1', VIPS)).toEqual([]);
});

it('tells with whom a host shares addresses', () => {
  const of = partners({ vips: new Map(VIPS.map((one) => [one.name, one])) });
  expect(of('lb1')).toEqual(['lb2']);
  expect(of('ns2')).toEqual(['ns1']);
  expect(of('app1')).toEqual([]);
});
