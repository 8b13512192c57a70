/** The record types that a dns check may ask for, with their numbers on the wire. */
export const RECORD_TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16 } as const;

export type RecordType = keyof typeof RECORD_TYPES;

/** One record of an answer: its type's number, and its value as zone files write it. */
interface DnsRecord {
  readonly type: number;
  /** Names in lower case without the last dot; `10 mail.example` for MX; all seven fields for SOA. */
  readonly value: string;
}

/** What a server answered. */
export interface DnsAnswer {
  readonly id: number;
  /** 0 is NOERROR, 3 NXDOMAIN. */
  readonly responseCode: number;
  readonly isTruncated: boolean;
  readonly records: readonly DnsRecord[];
}

/** Names as they are compared: lower case, without the dot at the end. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

/** A name that cannot be asked for. */
function labelsOf(name: string): Buffer {
  const plain = plainName(name);
  const labels = plain === '' ? [] : plain.split('.');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1');
    if (bytes.length === 0 || bytes.length > 63) throw new Error(`"${name}" is not a domain name`);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.of(0)]);
  if (encoded.length > 255) throw new Error(`"${name}" is too long for a domain name`);
  return encoded;
}

/**
 * A query for one name and type, recursion desired, with the length in front that TCP wants.
 * @throws Error for what is not a domain name
 */
export function encodeQuery(id: number, name: string, type: RecordType): Buffer {
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const message = Buffer.concat([header, labelsOf(name), Buffer.from([0, RECORD_TYPES[type], 0, 1])]);
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}

const MAX_JUMPS = 64;

/** Reads a name, following compression; every pointer must point backwards, so it ends. */
function readName(message: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = start;
  let next: number | undefined;
  let jumps = 0;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return { name: labels.join('.').toLowerCase(), next: next ?? at + 1 };
    if (length >= 192) {
      const target = message.readUInt16BE(at) & 0x3fff;
      jumps += 1;
      if (target >= at || jumps > MAX_JUMPS) throw new RangeError('a name points nowhere');
      next ??= at + 2;
      at = target;
    } else {
      if (length > 63 || at + 1 + length > message.length) throw new RangeError('a label is too long');
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}

function readTexts(data: Buffer): string {
  let text = '';
  for (let at = 0; at < data.length; at += 1 + data.readUInt8(at)) {
    text += data.toString('latin1', at + 1, Math.min(data.length, at + 1 + data.readUInt8(at)));
  }
  return text;
}

function readValue(message: Buffer, type: number, start: number, length: number): string {
  const data = message.subarray(start, start + length);
  if (data.length < length) throw new RangeError('a record is cut off');
  switch (type) {
    case RECORD_TYPES.A:
      return [...data].join('.');
    case RECORD_TYPES.NS:
    case RECORD_TYPES.CNAME:
    case RECORD_TYPES.PTR:
      return readName(message, start).name;
    case RECORD_TYPES.MX:
      return `${message.readUInt16BE(start)} ${readName(message, start + 2).name}`;
    case RECORD_TYPES.TXT:
      return readTexts(data);
    case RECORD_TYPES.SOA: {
      const primary = readName(message, start);
      const mailbox = readName(message, primary.next);
      const numbers = [0, 4, 8, 12, 16].map((offset) => message.readUInt32BE(mailbox.next + offset));
      return [primary.name, mailbox.name, ...numbers].join(' ');
    }
    default:
      return data.toString('hex');
  }
}

/**
 * Reads a response without its length in front. Bounded by the message: at most 64 KiB.
 * @throws RangeError for one that is no DNS response or is cut off
 */
export function decodeAnswer(message: Buffer): DnsAnswer {
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) throw new RangeError('it is a query, not a response');
  const questions = message.readUInt16BE(4);
  const answers = message.readUInt16BE(6);
  let at = 12;
  for (let index = 0; index < questions; index += 1) at = readName(message, at).next + 4;
  const records: DnsRecord[] = [];
  for (let index = 0; index < answers; index += 1) {
    at = readName(message, at).next;
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 8);
    records.push({ type, value: readValue(message, type, at + 10, length) });
    at += 10 + length;
  }
  return {
    id: message.readUInt16BE(0),
    responseCode: flags & 15,
    isTruncated: (flags & 0x0200) !== 0,
    records,
  };
}
