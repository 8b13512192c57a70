import { expect, test } from 'vitest';
import { bridgeName, cableName, knownHostsName, machineName, routeMetric } from '../../lab/names.ts';

test('device names are readable where they fit', () => {
  expect(bridgeName('web')).toBe('flb-web');
  expect(cableName('app1', 0)).toBe('fl-app1-0');
});

test('long and strange names become device names that the kernel takes, each its own', () => {
  const names = [
    bridgeName('management-of-storage'),
    bridgeName('management-of-tapes'),
    bridgeName('a.b/c'),
    cableName('application-server-1', 0),
    cableName('application-server-1', 1),
    cableName('application-server-2', 0),
  ];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^flb?-[A-Za-z0-9-]{1,12}$/);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(15);
});

test('two labs have machines and routes of their own', () => {
  expect(machineName('demo', 'app1')).not.toBe(machineName('test', 'app1'));
  expect(routeMetric('demo')).not.toBe(routeMetric('test'));
  expect(routeMetric('demo')).toBeLessThan(2 ** 32);
});

test('known_hosts names a port that is not 22', () => {
  expect(knownHostsName('app1', 22)).toBe('app1');
  expect(knownHostsName('10.77.0.21', 2222)).toBe('[10.77.0.21]:2222');
});
