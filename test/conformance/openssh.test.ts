import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('leaves no client behind when the process that uses it is killed', async () => {
    const program = `
      import { sshTransport } from '${join(import.meta.dirname, '../../src/transport/ssh.ts')}';
      const transport = sshTransport({
        target: (name) => ({ name, address: '127.0.0.1', settings: ${JSON.stringify({
          port: sshd.port,
          user: userInfo().username,
          privateKey: sshd.keyPath,
          hostKeys: [sshd.hostKey],
          sshConfig: false,
        })}, become: {} }),
        client: 'openssh',
      });
      await transport.connect('app1', new AbortController().signal);
      console.log('connected');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-C', 'farmctl-source', '--input-type=module-typescript', '-e', program], {
      // A folder that a killed process leaves goes with the test's.
      env: { ...process.env, TMPDIR: sshd.folder },
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const clients = () =>
      execFileSync('ps', ['-eo', 'args'])
        .toString()
        .split('\n')
        .filter((line) => line.includes(sshd.keyPath));
    expect(clients().filter((line) => line.startsWith('ssh '))).toHaveLength(1);
    child.kill('SIGKILL');
    await expect.poll(() => clients().filter((line) => / -N /.test(line)), { timeout: 3000 }).toEqual([]);
  });

  conformance('openssh', () => ({ transport, host: 'app1', cut: async () => wire.cut(), hidesSignals: true }));
});
