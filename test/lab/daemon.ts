import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';

/** Starts a process that outlives this one, in a session of its own; what it prints is added to `logPath`. */
export async function startDaemon(argv: readonly string[], logPath: string): Promise<void> {
  const [program = '', ...rest] = argv;
  const log = await open(logPath, 'a', 0o600);
  try {
    const child = spawn(program, rest, { detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/' });
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve);
      child.on('error', reject);
    });
    child.unref();
  } finally {
    await log.close();
  }
}
