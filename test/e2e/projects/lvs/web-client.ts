import { Agent, type IncomingMessage, request } from 'node:http';

/*
 * Clients of a web farm, run inside a lab's network; a request fails that is not answered in time.
 *   web-client.ts load SPEC       new connections at an even pace: JSON, an Answer each. SIGTERM ends it early.
 *   web-client.ts least SPEC      four open connections; those to one server are closed; two more: the names, as JSON
 *   web-client.ts download SPEC   reads slowly, on one connection: how much, and the longest pause, as JSON
 */

/** What is asked, and how often. Bounded: at most 50 a second, 3000 in all. */
export interface ClientSpec {
  readonly address: string;
  readonly port: number;
  /** The Host header. */
  readonly host: string;
  readonly path: string;
  readonly perSecond?: number;
  readonly count?: number;
  readonly timeoutMs?: number;
  /** Addresses of the clients, which take turns. */
  readonly from?: readonly string[];
}

/** One request: when it began (milliseconds of the epoch), how long it took, and who answered or why nobody did. */
export interface Answer {
  readonly at: number;
  readonly ms: number;
  readonly from: string;
  readonly who?: string;
  readonly error?: string;
}

/** One connection for a long answer. */
export interface Download {
  readonly bytes: number;
  readonly longestPauseMs: number;
  readonly error?: string;
}

function asked(spec: ClientSpec, agent: Agent | undefined, from: string): Promise<Answer> {
  const at = Date.now();
  const started = performance.now();
  return new Promise((resolve) => {
    const end = (said: { who: string } | { error: string }) => {
      clearTimeout(timer);
      resolve({ at, ms: Math.round(performance.now() - started), from, ...said });
    };
    const sent = request(
      {
        host: spec.address,
        port: spec.port,
        path: spec.path,
        headers: { host: spec.host },
        agent: agent ?? false,
        ...(from === '' ? {} : { localAddress: from }),
      },
      (answer: IncomingMessage) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => {
          body += text.slice(0, 100);
        });
        answer.on('error', (error) => end({ error: error.message }));
        answer.on('end', () =>
          end(answer.statusCode === 200 ? { who: body.trim() } : { error: `status ${answer.statusCode}` }),
        );
      },
    );
    const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), spec.timeoutMs ?? 2_000);
    sent.on('error', (error) => end({ error: error.message }));
    sent.end();
  });
}

async function load(spec: ClientSpec): Promise<readonly Answer[]> {
  const perSecond = Math.min(spec.perSecond ?? 40, 50);
  const count = Math.min(spec.count ?? 3_000, 3_000);
  const clients = spec.from ?? [''];
  const running: Promise<Answer>[] = [];
  const started = performance.now();
  let isOver = false;
  process.once('SIGTERM', () => {
    isOver = true;
  });
  while (running.length < count && !isOver) {
    running.push(asked(spec, undefined, clients[running.length % clients.length] ?? ''));
    const nextAt = started + (running.length * 1_000) / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
  }
  return Promise.all(running);
}

async function least(
  spec: ClientSpec,
): Promise<{ readonly first: readonly string[]; readonly then: readonly string[] }> {
  const open: { agent: Agent; who: string }[] = [];
  const connect = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { who, error } = await asked(spec, agent, '');
    if (who === undefined) throw new Error(error);
    open.push({ agent, who });
    return who;
  };
  const first = [await connect(), await connect(), await connect(), await connect()];
  for (const { agent, who } of open) if (who === first[0]) agent.destroy();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const then = [await connect(), await connect()];
  for (const { agent } of open) agent.destroy();
  return { first, then };
}

/** A receiver of 64 KiB each 100 ms, for at most a minute. */
function download(spec: ClientSpec): Promise<Download> {
  return new Promise((resolve) => {
    let bytes = 0;
    let lastAt = performance.now();
    let longest = 0;
    const heard = () => {
      longest = Math.max(longest, performance.now() - lastAt);
      lastAt = performance.now();
    };
    const end = (error?: string) => {
      clearTimeout(timer);
      heard();
      sent.destroy();
      resolve({ bytes, longestPauseMs: Math.round(longest), ...(error === undefined ? {} : { error }) });
    };
    const timer = setTimeout(() => end('too long'), 90_000);
    const sent = request(
      { host: spec.address, port: spec.port, path: spec.path, headers: { host: spec.host }, agent: false },
      (answer) => {
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          heard();
          answer.pause();
          setTimeout(() => answer.resume(), 100);
        });
        answer.on('end', () => end());
        answer.on('error', (error) => end(error.message));
      },
    );
    sent.on('error', (error) => end(error.message));
    sent.end();
  });
}

const WAYS = { load, least, download };

async function main([way = '', text = '']: readonly string[]): Promise<void> {
  const chosen = Object.entries(WAYS).find(([name]) => name === way)?.[1];
  if (chosen === undefined) throw new Error(`there is no way "${way}"`);
  const spec: ClientSpec = JSON.parse(text);
  process.stdout.write(`${JSON.stringify(await chosen(spec))}\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
