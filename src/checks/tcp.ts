import type { Duplex } from 'node:stream';
import type { TcpCheck } from '../role/check.ts';
import { type Finding, good } from './outcome.ts';

/** A stream that opened is all that a tcp check wants. */
export async function lookTcp(check: TcpCheck, _stream: Duplex): Promise<Finding> {
  return good(`${check.address}:${check.port} accepts connections`);
}
