#!/usr/bin/env -S node --max-semi-space-size=4
// Starts farmctl on a Node that can run it. Plain JavaScript that old versions of Node can read: it may be started by
// any. From a checkout it runs src/ as it is, from the published package the built dist/.
// A small young generation costs nothing here, and keeps the memory of a run over a thousand hosts at a half.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'bin.ts');
const isCheckout = existsSync(source);
const entry = isCheckout ? source : join(root, 'dist', 'src', 'bin.js');
const options = ['--max-semi-space-size=4', ...(isCheckout ? ['-C', 'farmctl-source'] : [])];
const isNewEnough = Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR;
const hasCondition = !isCheckout || process.execArgv.join(' ').includes('farmctl-source');

if (isNewEnough && hasCondition) {
  await import(pathToFileURL(entry).href);
} else {
  const bundled = [join(root, 'node_modules', 'node', 'bin', 'node'), join(root, '..', 'node', 'bin', 'node')].find(
    (path) => existsSync(path),
  );
  const node = isNewEnough ? process.execPath : bundled;
  if (node === undefined) {
    process.stderr.write(
      `farmctl needs Node.js ${NEEDED_MAJOR} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
        `Install one, or run \`npm install node@${NEEDED_MAJOR}\` beside farmctl.\n`,
    );
    process.exitCode = 1;
  } else {
    const child = spawn(node, [...options, entry, ...process.argv.slice(2)], { stdio: 'inherit' });
    // A terminal's Ctrl-C reaches the child by itself, as it is in the same process group; what is sent to this process
    // alone is passed on. Either way this one waits: the child finishes its step and says how it ended.
    const hasTerminal = process.stdin.isTTY || process.stderr.isTTY;
    process.on('SIGINT', () => hasTerminal || child.kill('SIGINT'));
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      process.stderr.write(`farmctl cannot start ${node}: ${error.message}\n`);
      process.exitCode = 1;
    });
    child.on('exit', (code, signal) => {
      process.exitCode = signal === null ? (code ?? 1) : 130;
    });
  }
}
