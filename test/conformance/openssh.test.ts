import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { hasSshd, type Sshd, startSshd, startWire, type Wire } from './sshd.ts';
import { conformance } from './transport.ts';

describe.skipIf(!hasSshd())('with a real sshd (left out without openssh-server)', () => {
  let sshd: Sshd;
  let wire: Wire;
  let transport: Transport;

  beforeAll(async () => {
    sshd = await startSshd();
    wire = await startWire(sshd.port);
    const knownHostsFile = join(sshd.folder, 'known_by_wire');
    writeFileSync(knownHostsFile, `[127.0.0.1]:${wire.port} ${sshd.hostKey}\n`);
    transport = sshTransport({
      target: (name) => ({
        name,
        address: '127.0.0.1',
        settings: { port: wire.port, user: userInfo().username, privateKey: sshd.keyPath, sshConfig: false },
        become: { enabled: false },
      }),
      knownHostsFile,
      client: 'openssh',
    });
  });
  afterAll(async () => {
    await wire?.stop();
    await sshd?.stop();
  });

  conformance('openssh', () => ({ transport, host: 'app1', cut: async () => wire.cut(), hidesSignals: true }));
});
