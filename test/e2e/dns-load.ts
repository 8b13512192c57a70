import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program: asks a name server again and again until SIGTERM, and then tells how long it had no answer. */

/** What it prints, as JSON. */
export interface LoadReport {
  readonly sent: number;
  readonly answered: number;
  /** Times without an answer that were longer than QUIET_MS: from the answer before to the one behind. */
  readonly silences: readonly { readonly afterMs: number; readonly lastedMs: number }[];
}

const INTERVAL_MS = 50;
const QUIET_MS = 250;
const MOST_QUERIES = 6000;

/** A question for the SOA record of a name. */
function question(id: number, name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(1, 4);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 6, 0, 1])]);
}

async function main(address: string, name: string): Promise<void> {
  const socket = createSocket('udp4');
  const open = new Set<number>();
  const answers: number[] = [];
  let isStopping = false;
  socket.on('message', (answer) => {
    // With at least one record and no error; each question counts once.
    if (answer.length < 12 || (answer.readUInt16BE(2) & 15) !== 0 || answer.readUInt16BE(6) === 0) return;
    if (open.delete(answer.readUInt16BE(0))) answers.push(performance.now());
  });
  // No route, no neighbour: as good as no answer.
  socket.on('error', () => undefined);
  process.on('SIGTERM', () => {
    isStopping = true;
  });
  let sent = 0;
  while (!isStopping && sent < MOST_QUERIES) {
    sent += 1;
    const id = sent & 0xffff;
    open.add(id);
    socket.send(question(id, name), 53, address, () => undefined);
    await sleep(INTERVAL_MS);
    if (sent === 1) console.log('asking');
  }
  await sleep(QUIET_MS);
  socket.close();
  const first = answers[0] ?? 0;
  const silences = answers
    .map((at, index) => ({ afterMs: Math.round(at - first), lastedMs: Math.round(at - (answers[index - 1] ?? at)) }))
    .filter(({ lastedMs }) => lastedMs > QUIET_MS);
  const report: LoadReport = { sent, answered: answers.length, silences };
  console.log(JSON.stringify(report));
}

const [address = '', name = ''] = process.argv.slice(2);
await main(address, name);
