import { expect, test } from 'vitest';
import { parseCores } from '../../lab/cores.ts';
import type { LabHost } from '../../lab/host.ts';
import { deviceSteps, vmDevices } from '../../lab/vm-devices.ts';

function host(...devices: readonly string[]): LabHost {
  const addresses = devices.map((device, index) => ({
    network: `n${index}`,
    address: `10.0.${index}.1`,
    prefix: 24,
    device,
  }));
  return { name: 'a', kind: 'vm', os: 'debian-12', aliases: [], addresses, sshPort: 22 };
}

test('devices that the kernel can name itself are not renamed, whatever their order', () => {
  const names = vmDevices(host('eth1', 'eth0')).map((one) => `${one.kernelName} ${one.name}`);
  expect(names).toEqual(['eth1 eth1', 'eth0 eth0', 'eth2 lab0']);
});

test('others get a number that no device of the inventory has', () => {
  const steps = deviceSteps(host('host0', 'eth0', 'db'));
  expect(steps.slice(0, 3)).toEqual(['link set eth1 name host0', 'link set eth2 name db', 'link set eth3 name lab0']);
});

test('the kernel’s list of cores', () => {
  expect(parseCores('0-3,8')).toEqual([0, 1, 2, 3, 8]);
  expect(parseCores('1')).toEqual([1]);
});
