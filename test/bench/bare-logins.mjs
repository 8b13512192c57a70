// The least that a program in Node can do: logs in to all hosts side by side, runs `true` there, and reads no inventory.
// bare-logins.mjs KEY_PATH ADDRESS=HOST_KEY...
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';

enableCompileCache(join(process.env.XDG_CACHE_HOME, 'bare'));
const { default: ssh2 } = await import('ssh2');
const [keyPath, ...hosts] = process.argv.slice(2);
const privateKey = readFileSync(keyPath);

function login([host, hostKey]) {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('ready', () => {
      client.exec('true', (error, channel) => {
        if (error !== undefined) return reject(error);
        channel.on('exit', (code) =>
          code === 0 ? resolve() : reject(new Error(`true ended with ${code} on ${host}`)),
        );
        channel.resume();
      });
    });
    client.connect({
      // ssh2 by itself leaves Nagle's algorithm on: that costs 40 ms with each of its packets, which it writes in pieces.
      sock: connect({ host, port: 22, noDelay: true }),
      username: 'root',
      privateKey,
      hostVerifier: (key) => key.toString('base64') === hostKey,
      algorithms: {
        kex: ['curve25519-sha256'],
        serverHostKey: ['ssh-ed25519'],
        cipher: ['aes128-gcm@openssh.com'],
      },
    });
  }).finally(() => client.end());
}

await Promise.all(hosts.map((host) => login(host.split(/=(.*)/s))));
