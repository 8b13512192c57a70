import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';

/**
 * Runs `task` while no other process holds the lock. The kernel frees it when this process ends, however it ends: the
 * holder is `flock` around a `cat` that ends with its input.
 * @throws FarmError lab/locked after `timeoutMs` (default ten minutes: somebody else may be building an image)
 */
export async function withLock<T>(path: string, task: () => Promise<T>, timeoutMs = 600_000): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const seconds = String(Math.ceil(timeoutMs / 1000));
  const script = 'echo held; exec cat >/dev/null';
  const holder = spawn('flock', ['--exclusive', '--wait', seconds, path, 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C goes to the whole group of the terminal: the lock is held until the task has seen it.
    detached: true,
  });
  const closed = new Promise<void>((resolve) => holder.on('close', () => resolve()));
  const held = await new Promise<boolean>((resolve, reject) => {
    holder.stdout.once('data', () => resolve(true));
    holder.on('error', reject);
    holder.on('close', () => resolve(false));
  });
  if (!held) {
    throw new FarmError(
      problem('lab/locked', 'The lab is in use', `Another process has held ${path} for ${seconds} s.`, {
        hint: 'Wait until it has finished, then try again.',
      }),
    );
  }
  try {
    return await task();
  } finally {
    holder.stdin.end();
    await closed;
  }
}
