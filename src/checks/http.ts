import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls';
import { maskText } from '../model/secret.ts';
import type { HttpCheck } from '../role/check.ts';
import { bad, type Finding, good } from './outcome.ts';

/** The most that is read of a body; what comes after is not looked at. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Asks over the given stream and compares status and body. Over TLS the certificate must carry the server name and be
 * valid today; who signed it is not looked at, since the controller need not know the farm's authority.
 */
export async function lookHttp(check: HttpCheck, stream: Duplex): Promise<Finding> {
  if (check.tls !== true) return ask(check, stream);
  const secured = await secure(check, stream);
  return 'ok' in secured ? secured : ask(check, secured);
}

function secure(check: HttpCheck, stream: Duplex): Promise<Duplex | Finding> {
  const name = check.serverName;
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      socket: stream,
      rejectUnauthorized: false,
      ...(name !== undefined && { servername: name }),
    });
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
    socket.once('secureConnect', () => {
      const fault = certificateFault(socket.getPeerCertificate(), name);
      resolve(fault === undefined ? socket : bad(fault));
    });
  });
}

function certificateFault(certificate: PeerCertificate, name: string | undefined): string | undefined {
  const now = Date.now();
  if (Date.parse(certificate.valid_from) > now) return `the certificate is valid only from ${certificate.valid_from}`;
  if (Date.parse(certificate.valid_to) < now) return `the certificate has expired on ${certificate.valid_to}`;
  const mismatch = name === undefined ? undefined : checkServerIdentity(name, certificate);
  return mismatch === undefined ? undefined : `the certificate is not for ${name}: ${mismatch.message}`;
}

function ask(check: HttpCheck, stream: Duplex): Promise<Finding> {
  const usualPort = check.tls === true ? 443 : 80;
  const host = `${check.serverName ?? check.address}${check.port === usualPort ? '' : `:${check.port}`}`;
  return new Promise((resolve, reject) => {
    const asking = request({
      createConnection: () => stream,
      method: check.method ?? 'GET',
      path: check.path,
      headers: { host, 'user-agent': 'farmctl', connection: 'close' },
      maxHeaderSize: MAX_HEADER_BYTES,
      setHost: false,
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      void judge(check, response).then(resolve, reject);
    });
    asking.end();
  });
}

async function judge(check: HttpCheck, response: IncomingMessage): Promise<Finding> {
  const { statusCode } = response;
  const location = response.headers.location;
  if (statusCode !== check.expectStatus) {
    const to = location === undefined ? '' : ` (to ${location.slice(0, 200)})`;
    return bad(`status ${statusCode}${to} instead of ${check.expectStatus}`);
  }
  const { expectBody } = check;
  if (expectBody === undefined) return good(`status ${statusCode}`);
  const body = await readBody(response);
  if (body.includes(expectBody)) return good(`status ${statusCode}, with "${excerpt(expectBody)}"`);
  return bad(`status ${statusCode}, but the body has no "${excerpt(expectBody)}"; it begins: ${excerpt(body)}`);
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_BODY_BYTES);
}

function excerpt(text: string): string {
  return maskText(text.slice(0, 120)).replaceAll(/\s+/g, ' ').trim();
}
