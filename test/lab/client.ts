import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';

/*
 * A client of the farm, run inside a lab's network:
 *   client.ts ask SERVER NAME TYPE    what that name server answers, one record a line
 *   client.ts get URL [SERVER]        fetches a page; the name in the URL is asked from that name server
 *   client.ts json SERVER URL...      as `get` for many, as JSON
 * Ends with 1 where there is no answer.
 */

const TIMEOUT_MS = 5_000;

/** What a client got for a URL. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

async function ask(server: string, name: string, type: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  resolver.setServers([server]);
  const records: unknown = await resolver.resolve(name, type);
  const list = Array.isArray(records) ? records : [records];
  return list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).sort();
}

async function get(address: string, server: string | undefined): Promise<Page> {
  const url = new URL(address);
  const isAddress = /^[\d.]+$/.test(url.hostname);
  const [host = url.hostname] =
    server === undefined || isAddress ? [url.hostname] : await ask(server, url.hostname, 'A');
  return new Promise((resolve, reject) => {
    const port = url.port === '' ? 80 : Number(url.port);
    const path = `${url.pathname}${url.search}`;
    const sent = request({ host, port, path, headers: { host: url.host }, timeout: TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ url: address, status, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`${host} did not answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  });
}

const [what, ...words] = process.argv.slice(2);
try {
  if (what === 'ask' && words.length === 3) {
    const [server = '', name = '', type = ''] = words;
    console.log((await ask(server, name, type)).join('\n'));
  } else if (what === 'get' && words.length > 0) {
    const [url = '', server] = words;
    const page = await get(url, server);
    console.log(`${page.status} ${page.headers['content-type'] ?? ''}\n${page.body.trimEnd()}`);
    if (page.status >= 400) process.exitCode = 1;
  } else if (what === 'json' && words.length > 1) {
    const [server, ...urls] = words;
    console.log(JSON.stringify(await Promise.all(urls.map((url) => get(url, server)))));
  } else {
    console.error('client.ts ask SERVER NAME TYPE | get URL [SERVER] | json SERVER URL...');
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
