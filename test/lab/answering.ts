import { connect } from 'node:net';

/*
 * Run inside a lab's network: waits until an ssh server answers at each ADDRESS:PORT of the arguments. The first
 * argument is the number of milliseconds to wait. Prints those that did not answer; ends with 0 if there is none.
 */

const [timeout = '0', ...targets] = process.argv.slice(2);
const deadline = performance.now() + Number(timeout);

function answers(target: string): Promise<boolean> {
  const colon = target.lastIndexOf(':');
  const socket = connect({ host: target.slice(0, colon), port: Number(target.slice(colon + 1)) });
  return new Promise((resolve) => {
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.on('error', () => done(false));
    socket.on('data', (chunk) => done(chunk.toString('latin1').startsWith('SSH-2.0-')));
  });
}

async function untilAnswered(target: string): Promise<string[]> {
  while (!(await answers(target))) {
    if (performance.now() > deadline) return [target];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [];
}

const silent = (await Promise.all(targets.map(untilAnswered))).flat();
console.log(silent.join('\n'));
process.exitCode = silent.length === 0 ? 0 : 1;
