import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHop } from '../../../src/transport/endpoint.ts';
import {
  defaultConfig,
  expandPath,
  parseSshG,
  type StatedToSsh,
  sshConfigLookup,
} from '../../../src/transport/ssh-config.ts';
import { home, readSshConfigFiles } from '../../../src/transport/ssh-config-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmctl-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...lines: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('parseSshG', () => {
  it('reads what ssh prints', () => {
    const text = [
      'host app1',
      'user operator',
      'hostname 10.77.0.21',
      'port 2222',
      'identityfile ~/.ssh/%h-%r',
      'identityfile /keys/second',
      'identitiesonly yes',
      'identityagent none',
      'hashknownhosts yes',
      'stricthostkeychecking accept-new',
      'userknownhostsfile /a /b',
      'globalknownhostsfile /c',
      'hostkeyalias farm',
      'proxyjump me@one:22,two',
      'proxycommand none',
      'pubkeyauthentication true',
      'passwordauthentication no',
      'addressfamily inet',
      'canonicalizehostname false',
    ].join('\n');
    expect(parseSshG(text, 'app1')).toEqual({
      hostName: '10.77.0.21',
      port: 2222,
      user: 'operator',
      identityFiles: [join(home(), '.ssh/10.77.0.21-operator'), '/keys/second'],
      identitiesOnly: true,
      identityAgent: 'none',
      proxyJump: ['me@one:22', 'two'],
      certificateFiles: [],
      knownHostsFiles: ['/a', '/b', '/c'],
      userKnownHostsFile: '/a',
      hostKeyAlias: 'farm',
      hashKnownHosts: true,
      acceptNew: true,
      methodsOff: ['password'],
      onlyOpenSsh: ['AddressFamily'],
    });
  });

  it('keeps tokens that it does not know', () => {
    expect(expandPath('/x/%C/%%h/%h', { h: 'app1' })).toBe('/x/%C/%h/app1');
  });
});

describe('readSshConfigFiles', () => {
  it('finds nothing that matters in Debian’s own file', async () => {
    const file = write(
      'debian',
      'Host *',
      '    SendEnv LANG LC_*',
      '    HashKnownHosts yes',
      '    GSSAPIAuthentication yes',
    );
    expect((await readSshConfigFiles([file])).isRelevant).toBe(false);
  });

  it('follows includes, and changes its digest with what they say', async () => {
    const file = write('config', `Include "${folder}/parts/*.conf"`);
    const empty = await readSshConfigFiles([file]);
    expect(empty.isRelevant).toBe(false);
    mkdirSync(join(folder, 'parts'));
    write('parts/one.conf', 'Host app1', '  Port 2222');
    const one = await readSshConfigFiles([file]);
    expect(one.isRelevant).toBe(true);
    write('parts/one.conf', 'Host app1', '  Port 2223');
    const two = await readSshConfigFiles([file]);
    expect(new Set([empty.digest, one.digest, two.digest]).size).toBe(3);
  });

  it.each(['Include=@/one', 'include = @/one', 'Include "@/one"', 'Include\t@/none @/one'])(
    'follows %j',
    async (line) => {
      write('one', 'Host app1', '  Port 2222');
      expect((await readSshConfigFiles([write('config', line.replaceAll('@', folder))])).isRelevant).toBe(true);
    },
  );

  it('gives no digest where the environment names the agent', async () => {
    for (const line of ['IdentityAgent $SOCKET', 'IdentityAgent=$SOCKET', 'IdentityAgent = "$SOCKET"']) {
      expect(await readSshConfigFiles([write('config', line)])).toEqual({ isRelevant: true, digest: undefined });
    }
  });

  it('survives a file that includes itself, and gives no digest where more than files decide', async () => {
    const file = write('config', `Include ${folder}/config`, 'Match exec "true"', '  Port 2222');
    expect(await readSshConfigFiles([file])).toEqual({ isRelevant: true, digest: undefined });
  });
});

describe('sshConfigLookup', () => {
  it('keeps answers until a file changes, and those alone that files decide', async () => {
    const cache = join(folder, 'cache');
    const file = write('config', 'Host app1', '  Port 2222');
    expect(await sshConfigLookup(file, cache)('app1', { hostName: '10.0.0.1' })).toMatchObject({
      port: 2222,
      hostName: '10.0.0.1',
    });
    expect(readdirSync(cache)).toHaveLength(1);
    await sshConfigLookup(file, cache)('app1', { hostName: '10.0.0.1' });
    expect(readdirSync(cache)).toHaveLength(1);
    write('config', 'Host app1', '  Port 2223');
    expect((await sshConfigLookup(file, cache)('app1', { hostName: '10.0.0.1' })).port).toBe(2223);
    write('config', 'Match exec "true"', '  Port 2224');
    expect((await sshConfigLookup(file, cache)('app1', { hostName: '10.0.0.1' })).port).toBe(2224);
    expect(readdirSync(cache)).toHaveLength(2);
  });

  it('asks about the user and the port that are stated, each answer kept apart', async () => {
    const cache = join(folder, 'cache');
    const file = write('config', 'Match user deploy', '  IdentityFile /keys/%r-%p', 'Match all', '  Port 2222');
    const keysOf = async (stated?: StatedToSsh) => {
      const { identityFiles, user, port } = await sshConfigLookup(file, cache)('app1', stated);
      return { first: identityFiles[0], user, port };
    };
    const stated = { first: '/keys/deploy-2200', user: 'deploy', port: 2200 };
    const unstated = { port: 2222, user: userInfo().username, first: join(home(), '.ssh/id_rsa') };
    for (let round = 0; round < 2; round += 1) {
      expect(await keysOf({ user: 'deploy', port: 2200 })).toEqual(stated);
      expect(await keysOf({ user: 'deploy' })).toEqual({ first: '/keys/deploy-2222', user: 'deploy', port: 2222 });
      expect(await keysOf()).toEqual(unstated);
    }
    expect(readdirSync(cache)).toHaveLength(3);
  });

  it('answers for everybody alike where nothing is configured', async () => {
    expect(await sshConfigLookup(join(folder, 'nothing'))('app1')).toEqual(defaultConfig());
  });

  it('tries the keys that ssh tries by default, but for kinds that are out of use', async () => {
    const asked = await sshConfigLookup(write('config', 'Port 22'))('app1');
    const inUse = asked.identityFiles.filter((path) => !/_(dsa|xmss)$/.test(path));
    expect(defaultConfig().identityFiles).toEqual(inUse);
  });

  it('takes no host name for an option', async () => {
    const file = write('config', 'Port 2222');
    await expect(sshConfigLookup(file)('-oProxyCommand=x')).rejects.toThrow('invalid characters');
  });
});

describe('parseHop', () => {
  it.each([
    ['lb1', { host: 'lb1' }],
    ['me@lb1:2222', { host: 'lb1', user: 'me', port: 2222 }],
    ['ssh://me@lb1:22', { host: 'lb1', user: 'me', port: 22 }],
    ['[fd00::1]:22', { host: 'fd00::1', port: 22 }],
  ])('reads %s', (text, hop) => {
    expect(parseHop(text)).toEqual(hop);
  });

  it.each(['', '-oProxyCommand=x', 'a b', 'lb1:99999', 'lb1:x'])('refuses %j', (text) => {
    expect(() => parseHop(text)).toThrow('is not a jump host');
  });
});
