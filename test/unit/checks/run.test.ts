import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDirect } from '../../../src/checks/direct.ts';
import { type Reach, runCheck } from '../../../src/checks/run.ts';
import { sh } from '../../../src/remote/sh.ts';
import { commandCheck, dnsCheck, httpCheck, tcpCheck } from '../../../src/role/check.ts';
import recorded from './bind9-answers.json' with { type: 'json' };

const never = new AbortController().signal;
const servers: Server[] = [];
const sockets = new Set<Socket>();

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const reach: Reach = {
  open: openDirect,
  command: async () => ({ code: 0, output: '' }),
};

async function http(handler: RequestListener, check: Partial<Parameters<typeof httpCheck>[0]> = {}) {
  const port = await listen(createHttpServer(handler));
  return runCheck(
    httpCheck({ name: 'page', address: '127.0.0.1', port, path: '/health', expectStatus: 200, ...check }),
    reach,
    never,
  );
}

describe('http', () => {
  it('asks for the path with the server name and is content with the status', async () => {
    let seen = '';
    const outcome = await http(
      (request, response) => {
        seen = `${request.method} ${request.url} ${request.headers.host?.replace(/\d+$/, 'PORT')}`;
        response.end('ok');
      },
      { serverName: 'www.farm.example' },
    );
    expect(outcome).toMatchObject({ ok: true, detail: 'status 200' });
    expect(outcome.durationMs).toBeGreaterThanOrEqual(0);
    expect(seen).toBe('GET /health www.farm.example:PORT');
  });

  it('tells another status, and where a redirection leads', async () => {
    const outcome = await http((_request, response) => response.writeHead(302, { location: 'https://x/' }).end());
    expect(outcome).toMatchObject({ ok: false, detail: 'status 302 (to https://x/) instead of 200' });
  });

  it('looks for text in the body', async () => {
    const handler: RequestListener = (_request, response) => response.end('<h1>Welcome to\nthe farm</h1>');
    expect(await http(handler, { expectBody: 'the farm' })).toMatchObject({ ok: true });
    expect(await http(handler, { expectBody: 'the zoo' })).toMatchObject({
      ok: false,
      detail: 'status 200, but the body has no "the zoo"; it begins: <h1>Welcome to the farm</h1>',
    });
  });

  it('reads no more than a mebibyte of an endless body', async () => {
    const outcome = await http(
      (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
      { expectBody: 'y', timeoutMs: 5000 },
    );
    expect(outcome.detail).toMatch(/^status 200, but the body has no "y"/);
  });

  it('gives up a server that says nothing', async () => {
    const port = await listen(createTcpServer(() => {}));
    const check = httpCheck({ name: 'page', address: '127.0.0.1', port, path: '/', expectStatus: 200, timeoutMs: 200 });
    expect(await runCheck(check, reach, never)).toMatchObject({ ok: false, detail: 'no answer within 0.2 s' });
  });

  it('says what answers instead of HTTP', async () => {
    const port = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
    const check = httpCheck({ name: 'page', address: '127.0.0.1', port, path: '/', expectStatus: 200 });
    expect(await runCheck(check, reach, never)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('Parse Error'),
    });
  });
});

describe('http over TLS', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'farmctl-tls-'));
    const names = ['-subj', '/CN=www.farm.example', '-addext', 'subjectAltName=DNS:www.farm.example'];
    const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'good.key'];
    openssl('req', '-x509', ...key, ...names, '-days', '30', '-out', 'good.crt');
    openssl('x509', '-in', 'good.crt', '-signkey', 'good.key', '-days', '-1', '-out', 'old.crt');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function https(certificate: string, serverName: string) {
    const key = readFileSync(join(folder, 'good.key'));
    const cert = readFileSync(join(folder, `${certificate}.crt`));
    const port = await listen(createHttpsServer({ key, cert }, (_request, response) => response.end('ok')));
    return runCheck(
      httpCheck({ name: 'page', address: '127.0.0.1', port, tls: true, serverName, path: '/', expectStatus: 200 }),
      reach,
      never,
    );
  }

  it('accepts a certificate for the name, whoever signed it', async () => {
    expect(await https('good', 'www.farm.example')).toMatchObject({ ok: true, detail: 'status 200' });
  });

  it('refuses one for another name, and one that has expired', async () => {
    expect(await https('good', 'shop.farm.example')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('the certificate is not for shop.farm.example'),
    });
    expect(await https('old', 'www.farm.example')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('the certificate has expired on'),
    });
  });
});

describe('tcp', () => {
  it('is content with a connection, and names the reason where there is none', async () => {
    const server = createTcpServer((socket) => socket.end());
    const port = await listen(server);
    const check = tcpCheck({ name: 'port', address: '127.0.0.1', port });
    expect(await runCheck(check, reach, never)).toMatchObject({ ok: true });
    await new Promise((resolve) => server.close(resolve));
    expect(await runCheck(check, reach, never)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('dns', () => {
  /** Gives recorded answers over TCP, split in the middle, with the id of the question. */
  async function nameServer(): Promise<number> {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (query) => {
        const found = recorded.answers.find(({ answer }) => {
          const question = Buffer.from(answer, 'base64').subarray(12, 12 + query.length - 14);
          return question.equals(query.subarray(14));
        });
        if (found === undefined) return socket.end();
        const message = Buffer.from(found.answer, 'base64');
        query.copy(message, 0, 2, 4);
        const length = Buffer.from([message.length >> 8, message.length & 255]);
        socket.write(length.subarray(0, 1));
        setTimeout(() => socket.write(Buffer.concat([length.subarray(1), message])), 20);
      });
    });
    return listen(server);
  }

  async function dns(check: Pick<Parameters<typeof dnsCheck>[0], 'query' | 'recordType' | 'expect'>) {
    const port = await nameServer();
    const { ok, detail } = await runCheck(
      dnsCheck({ name: 'zone', address: '127.0.0.1', port, ...check }),
      reach,
      never,
    );
    return `${ok ? 'ok' : 'bad'}: ${detail}`;
  }

  it('wants all expected values among the answers', async () => {
    expect(await dns({ query: 'mail.farm.example', recordType: 'A', expect: [] })).toBe(
      'bad: the server closed the connection without an answer',
    );
    expect(await dns({ query: 'App1.farm.example.', recordType: 'A', expect: ['10.77.0.21', '10.77.0.22'] })).toMatch(
      /^ok: app1.farm.example A: 10\.77\.0\.2[12], 10\.77\.0\.2[12]$/,
    );
    expect(await dns({ query: 'farm.example', recordType: 'MX', expect: ['20 mail.farm.example'] })).toBe(
      'bad: farm.example MX: 20 mail.farm.example is missing; the server says 10 mail.farm.example',
    );
    expect(await dns({ query: '10.77.0.21', recordType: 'PTR', expect: ['app1.farm.example.'] })).toBe(
      'ok: 21.0.77.10.in-addr.arpa PTR: app1.farm.example',
    );
  });

  it('names the server’s refusals', async () => {
    expect(await dns({ query: 'none.farm.example', recordType: 'A', expect: [] })).toBe(
      'bad: none.farm.example A: the server answered NXDOMAIN',
    );
    expect(await dns({ query: 'elsewhere.example', recordType: 'A', expect: [] })).toBe(
      'bad: elsewhere.example A: the server answered REFUSED',
    );
  });
});

describe('command', () => {
  const check = commandCheck({ name: 'sync', script: sh`true`, timeoutMs: 2000 });
  const answering = (code: number | undefined, output: string): Reach => ({
    ...reach,
    command: async () => ({ code, output }),
  });

  it('is the exit status, with the end of the output', async () => {
    expect(await runCheck(check, answering(0, 'all good\n'), never)).toMatchObject({ ok: true, detail: 'all good' });
    expect(await runCheck(check, answering(2, 'a\nb\nc\nd\ne\nf\n'), never)).toMatchObject({
      ok: false,
      detail: 'exit status 2: b\nc\nd\ne\nf',
    });
    expect(await runCheck(check, answering(undefined, ''), never)).toMatchObject({
      ok: false,
      detail: 'not done within 2 s',
    });
  });
});
