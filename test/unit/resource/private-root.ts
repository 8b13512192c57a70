import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bodies } from '../../../src/remote/file-script.ts';
import { frameReader } from '../../../src/remote/frame.ts';
import { fileScript } from '../../../src/remote/many-files.ts';
import { readAnswers } from '../../../src/remote/record.ts';
import { probePrelude } from '../../../src/remote/runtime.ts';
import { joinScripts, Script } from '../../../src/remote/sh.ts';
import { STATE_FUNCTIONS } from '../../../src/remote/state-functions.ts';
import type { Effect, Observed, Resource } from '../../../src/resource/define.ts';

/** Why there is no private root here; undefined where there is. It takes root and overlay mounts. */
export function whyNoPrivateRoot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make a mount namespace';
  const tried = spawnSync('unshare', ['-m', '-n', 'true']);
  return tried.status === 0 ? undefined : 'this kernel or container refuses a mount namespace';
}

/** This machine's file system, under which nothing of it changes: a place to try what changes a host. */
export interface PrivateRoot {
  write(path: string, content: string, mode?: number): void;
  read(path: string): string;
  /** Runs shell text there and gives what it prints; throws if it fails. */
  sh(text: string): string;
  observe(resources: readonly Resource[]): Observed<unknown>[];
  /** Makes a change as the engine does: files, then the script with its input. @throws Error with the output. */
  make(effect: Effect): void;
  close(): Promise<void>;
}

/** The word comes from behind the chroot: until then the root of that process is this machine's own. */
async function started(holder: ChildProcess): Promise<void> {
  for await (const chunk of holder.stdout ?? []) if (String(chunk).includes('ready')) return;
  throw new Error('the private root did not start');
}

/** Opens one; `close` takes it away. */
export async function openPrivateRoot(): Promise<PrivateRoot> {
  const base = mkdtempSync(join(tmpdir(), 'farmctl-root-'));
  const build = `set -e
mount -t tmpfs none "$1"
cd "$1"
mkdir upper work root
mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc none root/proc
mount --rbind /dev root/dev
mount -t tmpfs none root/run
mount -t tmpfs none root/tmp
chmod 1777 root/tmp
exec chroot root sh -c 'echo ready && exec sleep 600'`;
  const holder = spawn('unshare', ['-m', '-n', '--propagation', 'private', 'sh', '-c', build, 'sh', base], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await started(holder);
  const at = (path: string) => `/proc/${holder.pid}/root${path}`;
  const inside = ['-t', String(holder.pid), '-m', '-n', '-r', '-w', '--'];

  function run(script: Script, nonce = randomBytes(16).toString('hex')) {
    const path = `/tmp/script-${randomBytes(8).toString('hex')}`;
    writeFileSync(at(path), `${probePrelude(nonce, 'probe').text}${script.text}\n`);
    const done = spawnSync('nsenter', [...inside, 'sh', path], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
      timeout: 60_000,
    });
    const output = `${done.stdout}${done.stderr}`;
    if (done.status !== 0) throw new Error(`status ${done.status}: ${output}`);
    return { output, frames: done.output[3] as unknown as Uint8Array };
  }

  return {
    write(path, content, mode = 0o644) {
      mkdirSync(at(dirname(path)), { recursive: true });
      writeFileSync(at(path), content, { mode });
    },
    read: (path) => readFileSync(at(path), 'utf8'),
    sh: (text) => execFileSync('nsenter', [...inside, 'sh', '-c', text], { encoding: 'utf8', timeout: 60_000 }),
    observe(resources) {
      const [first] = resources;
      if (first === undefined) return [];
      const nonce = randomBytes(16).toString('hex');
      const probe = first.type.probe(resources.map((one) => one.desired));
      const { output, frames } = run(new Script(`${probe.text}\nframe over\nframe over`), nonce);
      if (output !== '') throw new Error(`the probe printed: ${output}`);
      const records = readAnswers(frameReader(nonce, 1 << 24).push(frames)).records.get('probe');
      return resources.map(({ type, desired }, index) => {
        const record = records?.get(index);
        if (record === undefined) throw new Error(`no record of ${type.type} number ${index}`);
        return type.parse(record, desired);
      });
    },
    make({ files = [], script, input }) {
      const sent = bodies();
      const fileText = fileScript(files, sent);
      const from = input === undefined ? '</dev/null' : `<"$B"/${sent.add(input)}`;
      mkdirSync(at('/tmp/bodies'), { recursive: true });
      for (const [number, content] of sent.contents.entries())
        writeFileSync(at(`/tmp/bodies/${number}`), Buffer.concat([...content.pieces()]));
      run(
        joinScripts([
          new Script(`B=/tmp/bodies\n${STATE_FUNCTIONS}open_state || exit 1`),
          fileText,
          ...(script === undefined ? [] : [new Script(`(\n${script.text}\n) ${from} || exit $?`)]),
        ]),
      );
    },
    async close() {
      const gone = new Promise((resolve) => holder.once('exit', resolve));
      holder.kill('SIGKILL');
      await gone;
      rmdirSync(base);
    },
  };
}
