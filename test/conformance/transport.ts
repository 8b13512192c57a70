import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOADER } from '../../src/remote/loader.ts';
import { type Channel, type Connection, type Transport, TransportError } from '../../src/transport/transport.ts';

/** What a transport must bring for the suite: itself, a host that it reaches, and a way to cut that host off. */
export interface Subject {
  readonly transport: Transport;
  readonly host: string;
  /** Drops the connections of that host from outside; absent where there is no wire to cut. */
  readonly cut?: () => Promise<void>;
  /** True where the transport learns of no signal, only that there is no exit status. */
  readonly hidesSignals?: boolean;
}

/** Has the loader run the script. */
async function run(connection: Connection, script: string, input = ''): Promise<Channel> {
  const channel = await connection.start(LOADER);
  await channel.write(`${Buffer.byteLength(script)}\n${script}${input}`);
  return channel;
}

async function collect(channel: Channel): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of channel.output) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failureOf(promise: Promise<unknown>): Promise<TransportError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TransportError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The one suite that every transport passes. `subject` is called once the tests run. */
export function conformance(name: string, subject: () => Subject): void {
  describe(`transport ${name}`, () => {
    let connection: Connection;
    const life = new AbortController();

    beforeAll(async () => {
      connection = await subject().transport.connect(subject().host, life.signal);
    });
    afterAll(() => connection?.close());

    it('gives back output and exit status', async () => {
      const channel = await run(connection, 'echo hello; exit 7');
      expect((await collect(channel)).toString()).toBe('hello\n');
      expect(await channel.exit).toEqual({ code: 7, signal: undefined });
    });

    it('tells the signal that ended the process', async () => {
      const channel = await run(connection, 'kill -TERM $$');
      await collect(channel);
      const { code, signal } = await channel.exit;
      if (subject().hidesSignals === true && code === undefined) return expect(signal).toBeUndefined();
      // sshd reports the end of the login shell, which may have waited for the one that was killed.
      expect(signal ?? code).toSatisfy((how) => how === 'SIGTERM' || how === 143);
    });

    it('carries all bytes of the input as they are', async () => {
      const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 256));
      const channel = await run(connection, 'cat');
      await channel.write(bytes);
      channel.end();
      expect((await collect(channel)).equals(bytes)).toBe(true);
    });

    it('passes over what a login shell prints before the ready line', async () => {
      const channel = await connection.start(
        `sh -c 'echo Welcome; printf noise; ${LOADER.slice("sh -c '".length, -1)}'`,
      );
      await channel.write('9\necho body');
      expect((await collect(channel)).toString()).toBe('body\n');
    });

    it('keeps the end of stderr', async () => {
      const channel = await run(connection, 'i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done');
      await collect(channel);
      await channel.exit;
      expect(channel.stderrTail()).toMatch(/line 1998\nline 1999\n$/);
      expect(Buffer.byteLength(channel.stderrTail())).toBeLessThanOrEqual(8192);
    });

    it('brings 8 MB of output', async () => {
      const channel = await run(connection, 'head -c 8388608 /dev/zero');
      let size = 0;
      for await (const chunk of channel.output) size += chunk.byteLength;
      expect(size).toBe(8_388_608);
    });

    it('holds an output back that nobody reads', async () => {
      const channel = await run(connection, 'head -c 67108864 /dev/zero; echo done >&2');
      const before = process.memoryUsage().arrayBuffers;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(channel.stderrTail()).toBe('');
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
      let size = 0;
      for await (const chunk of channel.output) size += chunk.byteLength;
      expect(size).toBe(67_108_864);
    });

    it('holds a writer back whose host does not read', async () => {
      const channel = await run(connection, 'sleep 1; wc -c');
      const chunk = Buffer.alloc(65_536);
      const startedAt = performance.now();
      for (let sent = 0; sent < 512; sent += 1) await channel.write(chunk);
      expect(performance.now() - startedAt).toBeGreaterThan(500);
      channel.end();
      expect((await collect(channel)).toString().trim()).toBe(String(512 * 65_536));
    });

    it('fails a write to a process that is gone', async () => {
      const channel = await run(connection, 'exit 3');
      await channel.exit;
      const failure = await failureOf(
        (async () => {
          for (;;) await channel.write(Buffer.alloc(65_536));
        })(),
      );
      expect(failure.failure).toBe('disconnected');
      expect(failure.message).toContain('exit status 3');
    });

    it('names a shell that ends before it is ready', async () => {
      const failure = await failureOf(
        connection.start("sh -c 'echo This account is currently not available.; exit 1'"),
      );
      expect(failure.failure).toBe('no-shell');
      expect(failure.message).toContain('This account is currently not available.');
    });

    it('forwards a stream to an address of the host', async () => {
      const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', (data) => socket.write(data.toString().toUpperCase()));
        socket.on('end', () => socket.end('bye'));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const stream = await connection.forward('127.0.0.1', port);
      stream.end('hello ');
      expect(await text(stream)).toBe('HELLO bye');
      await new Promise((resolve) => server.close(resolve));
      expect((await failureOf(connection.forward('127.0.0.1', port))).failure).toBe('unreachable');
    });

    it('throws the reason of an abort from every pending call, at once', async () => {
      const deadline = new AbortController();
      const other = await subject().transport.connect(subject().host, deadline.signal);
      const channel = await run(other, 'sleep 30');
      const reason = new TransportError('timeout', 'The probe took too long.');
      setTimeout(() => deadline.abort(reason), 50);
      const startedAt = performance.now();
      expect(await failureOf(collect(channel))).toBe(reason);
      expect(await failureOf(channel.exit)).toBe(reason);
      expect(await failureOf(channel.write('x'))).toBe(reason);
      expect(await failureOf(other.start(LOADER))).toBe(reason);
      expect(performance.now() - startedAt).toBeLessThan(1000);
      other.close();
    });

    it('does not connect for a signal that is aborted already', async () => {
      const reason = new TransportError('timeout', 'Too late.');
      expect(await failureOf(subject().transport.connect(subject().host, AbortSignal.abort(reason)))).toBe(reason);
    });

    it('ends what is pending when it is closed', async () => {
      const other = await subject().transport.connect(subject().host, life.signal);
      const channel = await run(other, 'sleep 30');
      setTimeout(() => other.close(), 50);
      expect((await failureOf(collect(channel))).failure).toBe('disconnected');
      other.close();
    });

    it('tells a dropped connection from an end', async ({ skip }) => {
      const { cut, transport, host } = subject();
      if (cut === undefined) return skip('there is no wire to cut');
      const other = await transport.connect(host, life.signal);
      const channel = await run(other, 'echo one; sleep 30');
      const pending = collect(channel);
      setTimeout(() => void cut(), 100);
      const failure = await failureOf(pending);
      expect(failure.failure).toBe('disconnected');
      other.close();
    });
  });
}
