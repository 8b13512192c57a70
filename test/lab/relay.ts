import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { machineProxy } from './apt-sources.ts';
import { type Cgroup, cgroup, inside, isPopulated, killCgroup, makeCgroup, removeCgroup } from './cgroup.ts';
import { isErrno, must } from './command.ts';
import { startDaemon } from './daemon.ts';
import { withLock } from './lock.ts';
import { inNamespace } from './namespace.ts';
import type { StatePaths } from './paths.ts';
import { waitUntil } from './wait.ts';

/*
 * The only way into a lab: packages. apt-cacher-ng listens on this machine's loopback, for all labs; a unix socket
 * carries its port into the namespace of each. (It refuses ports above 32767, and its own unix socket did not answer.)
 */

const FIRST_PORT = 3143;
const LAST_PORT = 3199;
/** Where the hosts of a lab find it, on every bridge. */
export const RELAY_PORT = 3142;

function relayGroup(state: StatePaths): Promise<Cgroup> {
  return cgroup(`relay-${state.mark}`);
}

function socketPath(state: StatePaths): string {
  return join(state.relay, 'socket');
}

/**
 * Starts the relay of this machine where it does not run yet.
 * @returns the URL of apt's proxy, as seen from this machine
 */
export async function ensureRelay(state: StatePaths): Promise<string> {
  return withLock(join(state.root, 'relay.lock'), async () => {
    const group = await relayGroup(state);
    const portPath = join(state.relay, 'port');
    if (await isPopulated(group)) {
      const port = Number(await readFile(portPath, 'utf8'));
      if ((await answers({ host: '127.0.0.1', port })) && (await answers({ path: socketPath(state) })))
        return url(port);
      await killCgroup(group);
    }
    await makeCgroup(group);
    const log = join(state.relay, 'log');
    await mkdir(log, { recursive: true });
    await mkdir(state.packages, { recursive: true });
    const port = await freePort();
    await writeFile(portPath, String(port));
    const proxy = machineProxy(await must(['apt-config', 'dump']));
    const settings = [
      `CacheDir: ${state.packages}`,
      `LogDir: ${log}`,
      'BindAddress: 127.0.0.1',
      `Port: ${port}`,
      'SupportDir: /usr/lib/apt-cacher-ng',
      'ForeGround: 1',
      'AllowUserPorts: 0',
      // Sources with https go through as they are.
      'PassThroughPattern: .*',
      ...(proxy === undefined ? [] : [`Proxy: ${proxy}`]),
    ];
    const config = join(state.relay, 'config');
    await mkdir(config, { recursive: true });
    // A proxy's address may hold its password.
    await writeFile(join(config, 'acng.conf'), `${settings.join('\n')}\n`, { mode: 0o600 });
    await startDaemon([...inside(group), 'apt-cacher-ng', '-c', config], join(log, 'apt-cacher-ng.out'));
    const listen = `UNIX-LISTEN:${socketPath(state)},fork,unlink-early,mode=600`;
    await startDaemon([...inside(group), 'socat', listen, `TCP:127.0.0.1:${port}`], join(log, 'socat.out'));
    await waitUntil(20_000, `the package relay does not answer, see ${log}`, async () => {
      return (await answers({ host: '127.0.0.1', port })) && (await answers({ path: socketPath(state) }));
    });
    return url(port);
  });
}

/** Starts the lab's end of the relay where it does not run yet. */
export async function ensureRelayInside(state: StatePaths, lab: string): Promise<void> {
  const group = await cgroup(`lab-${lab}`, 'relay');
  if (await isPopulated(group)) return;
  await makeCgroup(group);
  const argv = ['socat', `TCP-LISTEN:${RELAY_PORT},fork,reuseaddr`, `UNIX-CONNECT:${socketPath(state)}`];
  await startDaemon([...inside(group), ...inNamespace(lab), ...argv], join(state.relay, 'log', `socat-${lab}.out`));
}

/** Stops the relay of this machine; what it has fetched stays. */
export async function stopRelay(state: StatePaths): Promise<void> {
  await withLock(join(state.root, 'relay.lock'), async () => removeCgroup(await relayGroup(state)));
}

function url(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function answers(target: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => done(false));
    socket.on('connect', () => done(true));
    socket.on('error', () => done(false));
  });
}

async function freePort(): Promise<number> {
  for (let port = FIRST_PORT; port <= LAST_PORT; port++) if (await isFree(port)) return port;
  throw new FarmError(
    problem('lab/no-port', 'No free port', `All ports from ${FIRST_PORT} to ${LAST_PORT} are taken on 127.0.0.1.`, {
      hint: 'Stop one of the programs that listen there (ss -ltnp).',
    }),
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error) => (isErrno(error, 'EADDRINUSE') ? resolve(false) : reject(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
