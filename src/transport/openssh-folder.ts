import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quote } from '../remote/sh.ts';

/**
 * A folder (0700) for what OpenSSH's clients of one run need: control sockets, known_hosts files with pinned keys, and
 * the way by which they ask for passwords. It is made with the first client and goes with the last one.
 */
export interface OpenSshFolder {
  /** Counts a user in; the returned function counts it out. */
  enter(): Promise<{ readonly path: string; leave(): void }>;
}

/** A unix socket's path may be 108 bytes, 104 on some systems, and ssh adds 17 to a control socket's while it makes it. */
const LONGEST_PARENT = 60;

const standing = new Set<string>();

/** A run that ends in the middle leaves no folder behind, either. */
function removeAtExit(path: string): void {
  if (standing.size === 0) process.once('exit', removeStanding);
  standing.add(path);
}

function removeStanding(): void {
  for (const path of standing) rmSync(path, { recursive: true, force: true });
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  standing.delete(path);
  if (standing.size === 0) process.off('exit', removeStanding);
}

export function openSshFolder(): OpenSshFolder {
  let users = 0;
  let made: Promise<string> | undefined;
  const parent = tmpdir().length > LONGEST_PARENT ? '/tmp' : tmpdir();

  async function make(): Promise<string> {
    const path = await mkdtemp(join(parent, 'farmctl-ssh-'));
    removeAtExit(path);
    return path;
  }

  return {
    async enter() {
      users += 1;
      made ??= make();
      const path = await made;
      let isIn = true;
      return {
        path,
        leave() {
          if (!isIn) return;
          isIn = false;
          users -= 1;
          if (users > 0) return;
          made = undefined;
          removeFolder(path).catch(() => {
            // A client was just writing there: the end of the process tries it once more.
          });
        },
      };
    },
  };
}

/** Answers one question of ssh; undefined refuses. */
export type AnswerPrompt = (prompt: string) => Promise<string | undefined>;

/** A program for SSH_ASKPASS that hands ssh's questions to this process. Nothing secret is written or passed along. */
export interface Askpass {
  readonly environment: Readonly<Record<string, string>>;
  close(): void;
}

/** Sends its question down the socket and prints the answer; ends with 1 where there is none. */
const CLIENT = `const s=require('node:net').connect(process.argv[1]);let a='';
s.on('connect',()=>s.write(JSON.stringify(process.argv[2]??'')+'\\n')).on('data',(d)=>{a+=d}).on('error',()=>process.exit(1))
.on('end',()=>{if(a==='')process.exit(1);process.stdout.write(JSON.parse(a)+'\\n')});`;

/**
 * @param folder private to this user
 * @param name of the client that asks, unique in the folder
 */
export async function startAskpass(folder: string, name: string, answer: AnswerPrompt): Promise<Askpass> {
  const socketPath = join(folder, `${name}.ask`);
  const programPath = join(folder, `${name}.askpass`);
  const server: Server = createServer((socket) => {
    let asked = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      asked += chunk.toString();
      if (!asked.endsWith('\n')) return;
      answer(String(JSON.parse(asked))).then(
        (given) => socket.end(given === undefined ? '' : JSON.stringify(given)),
        () => socket.end(),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  server.unref();
  // A prompt that only tells something (touch your key) wants no answer: ssh ends the program itself.
  const program = `#!/bin/sh\n[ "\${SSH_ASKPASS_PROMPT-}" = none ] && exec sleep 60\nexec ${quote(process.execPath)} -e ${quote(CLIENT)} ${quote(socketPath)} "$1"\n`;
  await writeFile(programPath, program, { mode: 0o700 });
  return {
    environment: {
      SSH_ASKPASS: programPath,
      SSH_ASKPASS_REQUIRE: 'force',
      // Clients before 8.4 ask by a program only where there is a display.
      DISPLAY: process.env['DISPLAY'] ?? ':0',
    },
    close: () => {
      server.close();
    },
  };
}
