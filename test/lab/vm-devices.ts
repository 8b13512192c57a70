import type { LabHost } from './host.ts';

/** The device of a VM that leads to the lab itself and to no network. */
export const LAB_DEVICE = 'lab0';

/** A network device of a VM as its kernel numbers it, and what the lab calls it inside. */
export interface VmDevice {
  /** `eth0`. */
  readonly kernelName: string;
  readonly name: string;
}

/**
 * The devices of a VM: one for each address, in their order, and the lab's own as the last. Its kernel calls all of
 * them eth and a number; those that have such a name in the inventory get that number.
 */
export function vmDevices(host: LabHost): readonly VmDevice[] {
  const names = [...host.addresses.map((one) => one.device), LAB_DEVICE];
  const taken = new Set(names);
  let next = 0;
  const free = () => {
    while (taken.has(`eth${next}`)) next += 1;
    taken.add(`eth${next}`);
    return `eth${next}`;
  };
  return names.map((name) => ({ kernelName: /^eth[0-9]$/.test(name) ? name : free(), name }));
}

/** What `ip` does at a VM's boot before it sets the addresses: names, and the address by which the lab gets in. */
export function deviceSteps(host: LabHost): readonly string[] {
  const renamed = vmDevices(host).filter((one) => one.kernelName !== one.name);
  return [
    ...renamed.map((one) => `link set ${one.kernelName} name ${one.name}`),
    `address add ${VM_ADDRESS}/64 dev ${LAB_DEVICE} nodad`,
    `link set ${LAB_DEVICE} up`,
  ];
}

/** The two ends of the link between a VM and the lab: each VM has a link of its own, so all have the same addresses. */
export const LAB_ADDRESS = 'fe80::1';
export const VM_ADDRESS = 'fe80::2';
