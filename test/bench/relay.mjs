// A TCP relay that delays each direction: node relay.mjs LISTEN_PORT HOST PORT DELAY_MS. Prints "ready".
import { connect, createServer } from 'node:net';

const [listenPort, host, port, delayMs] = process.argv.slice(2);

function late(from, to) {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), Number(delayMs)));
  from.on('end', () => setTimeout(() => to.end(), Number(delayMs)));
  from.on('error', () => to.destroy());
}

createServer((near) => {
  const far = connect(Number(port), host);
  for (const socket of [near, far]) socket.setNoDelay(true);
  late(near, far);
  late(far, near);
}).listen(Number(listenPort), '127.0.0.1', () => process.stdout.write('ready\n'));
