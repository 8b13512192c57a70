/** One address that farmctl shall take for a host. */
export interface Stand {
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  /** The sshd's public key. */
  readonly key: string;
}

/** An inventory of these hosts with the role `mixed`, keys pinned. */
export function inventory(stands: readonly Stand[], keyPath: string): string {
  const lines = stands.map(({ name, address, port = 22, key }, index) => {
    const own = `10.${100 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
    const ssh = `{ address: ${address}, port: ${port}, host_keys: ['${key}'] }`;
    return `      ${name}: { lan: ${own}, ssh: ${ssh} }`;
  });
  return `farm: bench
domain: bench.example
os: debian-12
networks: { lan: { cidr: 10.96.0.0/11, device: bench0 } }
ssh: { user: root, private_key: ${keyPath}, ssh_config: false }
tiers:
  node:
    roles: [mixed]
    hosts:
${lines.join('\n')}
`;
}
