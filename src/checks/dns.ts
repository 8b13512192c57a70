import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { DnsCheck } from '../role/check.ts';
import { type DnsAnswer, decodeAnswer, encodeQuery, plainName, RECORD_TYPES } from './dns-message.ts';
import { bad, type Finding, good } from './outcome.ts';

const RESPONSE_CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** Asks the server over the given stream (DNS over TCP) and looks whether all expected values are in its answer. */
export async function lookDns(check: DnsCheck, stream: Duplex): Promise<Finding> {
  const name = queriedName(check);
  const id = randomInt(65_536);
  stream.write(encodeQuery(id, name, check.recordType));
  const message = await readMessage(stream);
  if (message === undefined) return bad('the server closed the connection without an answer');
  let answer: DnsAnswer;
  try {
    answer = decodeAnswer(message);
  } catch (error) {
    if (error instanceof RangeError) return bad(`the server’s answer is not DNS: ${error.message}`);
    throw error;
  }
  return judge(check, name, answer, id);
}

/** For PTR an address will do. */
function queriedName({ query, recordType }: DnsCheck): string {
  const isAddress = recordType === 'PTR' && /^\d{1,3}(\.\d{1,3}){3}$/.test(query);
  return isAddress ? `${query.split('.').toReversed().join('.')}.in-addr.arpa` : query;
}

function judge({ recordType, expect }: DnsCheck, name: string, answer: DnsAnswer, id: number): Finding {
  const asked = `${plainName(name)} ${recordType}`;
  if (answer.id !== id) return bad(`${asked}: the server answered another question`);
  if (answer.responseCode !== 0) {
    return bad(`${asked}: the server answered ${RESPONSE_CODES[answer.responseCode] ?? `code ${answer.responseCode}`}`);
  }
  const found = answer.records.filter((one) => one.type === RECORD_TYPES[recordType]).map((one) => one.value);
  if (found.length === 0) return bad(`${asked}: no such record`);
  const isText = recordType === 'TXT';
  const missing = expect.filter((value) => !found.includes(isText ? value : plainName(value)));
  const shown = found.slice(0, 8).join(', ') + (found.length > 8 ? ', …' : '');
  if (missing.length > 0) return bad(`${asked}: ${missing.join(', ')} is missing; the server says ${shown}`);
  return good(`${asked}: ${shown}`);
}

/** One message by its length in front; undefined where the stream ends before it. */
async function readMessage(stream: Duplex): Promise<Buffer | undefined> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length < 2) continue;
    const length = bytes.readUInt16BE(0);
    if (bytes.length >= 2 + length) return bytes.subarray(2, 2 + length);
  }
  return undefined;
}
