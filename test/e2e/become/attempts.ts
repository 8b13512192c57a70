import { text } from 'node:stream/consumers';
import { Secret } from '../../../src/model/secret.ts';
import { LOADER } from '../../../src/remote/loader.ts';
import { sshTransport } from '../../../src/transport/ssh.ts';
import { TransportError } from '../../../src/transport/transport.ts';

/** One login and one shell, run inside the lab's network: JSON in on stdin, JSON out on stdout. */
export interface Attempt {
  readonly address: string;
  readonly user: string;
  readonly become: { readonly enabled?: boolean; readonly user?: string; readonly password?: string };
  readonly startDeadlineMs?: number;
  readonly script: string;
  /** So many bytes follow the script on the shell's input. */
  readonly inputBytes?: number;
}

export type Answer =
  | { readonly output: string; readonly code: number | undefined; readonly startMs: number }
  | { readonly failure: string; readonly message: string; readonly hint: string | undefined };

async function run({ address, user, become, startDeadlineMs, script, inputBytes = 0 }: Attempt): Promise<Answer> {
  const { password, ...others } = become;
  const transport = sshTransport({
    target: (name) => ({
      name,
      address,
      settings: { user },
      become: password === undefined ? others : { ...others, password: new Secret(password, 'the test') },
    }),
    ...(startDeadlineMs !== undefined && { startDeadlineMs }),
  });
  try {
    const connection = await transport.connect('app1', new AbortController().signal);
    const startedAt = performance.now();
    try {
      const channel = await connection.start(LOADER);
      const startMs = Math.round(performance.now() - startedAt);
      await channel.write(`${Buffer.byteLength(script)}\n${script}`);
      await channel.write(Buffer.alloc(inputBytes, 'x'));
      channel.end();
      let output = '';
      for await (const chunk of channel.output) output += Buffer.from(chunk).toString();
      return { output, code: (await channel.exit).code, startMs };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { failure: error.failure, message: error.message, hint: error.hint };
  }
}

const attempt: Attempt = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await run(attempt)));
