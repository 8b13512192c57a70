import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  absent,
  authorizedKey,
  block,
  bytes,
  directory,
  dropIn,
  exec,
  file,
  group,
  ownedDirectory,
  type Resource,
  Secret,
  sh,
  symlink,
  sysctl,
  text,
  unitFile,
  user,
} from '../../../src/index.ts';
import { recorded, restore } from '../../../src/resource/recorded.ts';
import { openPrivateRoot, type PrivateRoot, whyNoPrivateRoot } from './private-root.ts';

const reason = whyNoPrivateRoot();
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBcW3b0xdS9d1UKj2j9sYv0wq4xkLJ6e9X7c3oQ2QhVQ';
const ODD = '/srv/odd/-o\'d"d \\ $(id)\n*é';

let root: PrivateRoot;

function look(resource: Resource) {
  const [observed] = root.observe([resource]);
  if (observed === undefined || observed.state === 'unknown') throw new Error(`unknown: ${observed?.reason}`);
  return observed.state === 'known' ? observed.value : undefined;
}

/** Plans and makes it, twice: the second time from the first plan, as after an interruption. Then nothing may differ. */
function converge(resource: Resource) {
  const { type, desired } = resource;
  const before = look(resource);
  const change = type.diff(desired, before, []);
  if (change === undefined) throw new Error(`${type.type} ${resource.id} is as desired before anything was done`);
  const effect = type.apply(desired, before, []);
  root.make(effect);
  root.make(effect);
  expect(type.diff(desired, look(resource), [])).toBeUndefined();
  return change;
}

/** Takes it away as from the manifest, twice as well. */
function takeAway({ type, desired, id }: Resource) {
  const kept: Resource = { type, desired: restore(JSON.parse(JSON.stringify(recorded(desired)))), id };
  const removal = type.remove(kept.desired, look(kept), []);
  if (removal.kind === 'remove') {
    root.make(removal.effect);
    root.make(removal.effect);
  }
  return removal;
}

describe.skipIf(reason !== undefined)(`changes on a private root (${reason ?? 'here'})`, () => {
  beforeAll(async () => {
    root = await openPrivateRoot();
  });
  afterAll(async () => {
    await root.close();
  });

  test('a file is made, put right, and gives way to what was there', () => {
    root.write('/etc/farm.conf', 'theirs\n', 0o640);
    const wanted = file({ path: '/etc/farm.conf', content: text('ours\n'), mode: '4750', group: 'daemon' });
    expect(converge(wanted)).toMatchObject({ action: 'update', texts: [{ before: 'theirs\n', after: 'ours\n' }] });
    root.sh('chmod 0600 /etc/farm.conf');
    expect(converge(wanted).fields).toEqual([{ name: 'mode', from: '0600', to: '4750' }]);
    takeAway(wanted);
    expect(root.read('/etc/farm.conf')).toBe('theirs\n');
    expect(root.sh('stat -c %a /etc/farm.conf')).toBe('640\n');
  });

  test('a path with every odd character, a binary content and a symlink in the way', () => {
    const wanted = file({ path: ODD, content: bytes(Uint8Array.from([0, 1, 255, 10])) });
    converge(wanted);
    converge(symlink({ path: ODD, target: 'to"\n\\ -> é' }));
    converge(wanted);
    expect(takeAway(wanted).kind).toBe('remove');
  });

  test('a directory is taken away only if it was made, and is empty', () => {
    const made = directory({ path: '/srv/made', mode: '2750', group: 'daemon' });
    converge(made);
    root.write('/srv/made/x', '');
    const removal = made.type.remove(made.desired, look(made), []);
    if (removal.kind === 'remove') root.make(removal.effect);
    expect(root.sh('ls /srv/made')).toBe('x\n');
    root.sh('mkdir /srv/theirs');
    expect(takeAway(directory({ path: '/srv/theirs' })).kind).toBe('stays');
  });

  test('an owned directory holds exactly its entries', () => {
    root.write('/srv/sites/extra\n-rf', 'x');
    root.write('/srv/sites/.hidden', 'x');
    root.write('/srv/sites/keep.bak', 'x');
    root.write('/srv/sites/b.conf', 'old\n');
    const path = '/srv/sites';
    const wanted = ownedDirectory({
      path,
      mode: '0750',
      ignore: ['*.bak'],
      entries: [
        symlink({ path: `${path}/a.conf`, target: '../a.conf' }),
        file({ path: `${path}/b.conf`, content: text('new\n') }),
      ],
    });
    expect(converge(wanted).fields.map((one) => one.name)).toEqual(['mode', 'a.conf', 'extra\n-rf', '.hidden']);
    expect(root.sh(`ls -A ${path}`)).toBe('a.conf\nb.conf\nkeep.bak\n');
    root.sh(`rm ${path}/a.conf; mkdir ${path}/a.conf`);
    expect(root.observe([wanted])[0]).toMatchObject({ state: 'unknown' });
    root.sh(`rmdir ${path}/a.conf`);
    converge(wanted);
    takeAway(wanted);
    expect(root.sh(`ls -A ${path}; cat ${path}/b.conf`)).toBe('.hidden\nb.conf\nextra\n-rf\nkeep.bak\nold\n');
  });

  test('hundreds of files with long and odd names in one directory, made and changed', () => {
    const path = '/srv/many';
    const hundreds = (word: string) =>
      ownedDirectory({
        path,
        entries: Array.from({ length: 450 }, (_, index) => {
          const name = `${path}/-${index} $(id)'\n${'é'.repeat(90)}`;
          const content = text(index === 7 ? 'long '.repeat(2000) : `${word} ${index}\n`);
          return index === 9 ? symlink({ path: name, target: word }) : file({ path: name, content, mode: '0640' });
        }),
      });
    expect(converge(hundreds('old')).fields.length).toBe(453);
    expect(root.sh(`cd ${path}; cat -- -3* | head -c 5; stat -c %a -- -4??* | sort -u; ls -A | grep -c id`)).toBe(
      'old 3640\n450\n',
    );
    root.sh(`cd ${path}; : >extra; rm -- -8\\ *`);
    const change = converge(hundreds('new'));
    // Of what was there, as many texts are shown as anybody reads.
    expect(change.texts.length).toBe(101);
    expect(root.sh(`ls -A ${path} | grep -c id; ls ${path} | grep -c extra || :`)).toBe('450\n0\n');
  });

  test('what shall be absent goes, and comes back', () => {
    root.write('/etc/unwanted', 'x');
    root.sh('mkdir /srv/unwanted; ln -s nowhere /srv/dangling');
    const wanted = absent({ path: '/etc/unwanted' });
    converge(wanted);
    converge(absent({ path: '/srv/unwanted' }));
    converge(absent({ path: '/srv/dangling' }));
    takeAway(wanted);
    expect(root.read('/etc/unwanted')).toBe('x');
  });

  test('two blocks of one file leave the rest alone', () => {
    root.write('/etc/others', 'theirs, without a line end', 0o640);
    const one = block({ path: '/etc/others', name: 'one', content: 'first' });
    const two = block({ path: '/etc/others', name: 'two', content: 'second\n', comment: ';' });
    converge(one);
    converge(two);
    converge(block({ path: '/etc/others', name: 'one', content: 'changed' }));
    takeAway(two);
    expect(root.read('/etc/others')).toBe(
      'theirs, without a line end\n# BEGIN farmctl one\nchanged\n# END farmctl one\n',
    );
    expect(root.sh('stat -c %a /etc/others')).toBe('640\n');
    converge(block({ path: '/etc/only-ours', name: 'one', content: 'x' }));
    takeAway(block({ path: '/etc/only-ours', name: 'one', content: 'x' }));
    expect(root.sh('ls /etc | grep -c only-ours || true')).toBe('0\n');
  });

  test('units and drop-ins', () => {
    const wanted = dropIn({ unit: 'x.service', content: text('[Service]\nNice=1\n') });
    converge(wanted);
    expect(root.read('/etc/systemd/system/x.service.d/farmctl.conf')).toBe('[Service]\nNice=1\n');
    converge(unitFile({ unit: 'x@.service', content: text('[Service]\n') }));
    takeAway(wanted);
    expect(root.sh('ls -d /etc/systemd/system/x.service.d 2>/dev/null || echo none')).toBe('none\n');
  });

  test('a kernel setting, live and kept', () => {
    const wanted = sysctl({ key: 'net.ipv4.ip_local_port_range', value: '20000  50000' });
    expect(converge(wanted).fields[0]).toMatchObject({ name: 'live', to: '20000 50000' });
    expect(root.sh('cat /proc/sys/net/ipv4/ip_local_port_range').trim()).toBe('20000\t50000');
    expect(takeAway(wanted)).toMatchObject({
      difference: { notes: ['The value 20000 50000 stays in force until the next boot.'] },
    });
  });

  test('groups and users that farmctl made go again; others stay', () => {
    const team = group({ name: 'team', gid: 7001 });
    converge(team);
    const hash = new Secret('$6$salt$ab/c."\'', 'a test');
    const wanted = user({
      name: 'zed',
      uid: 7002,
      groups: ['team'],
      comment: "Z 'ed",
      shell: '/bin/sh',
      passwordHash: hash,
    });
    const change = converge(wanted);
    expect(JSON.stringify(change)).not.toContain(hash.reveal());
    expect(change.fields.at(-1)).toEqual({ name: 'password', from: undefined, to: '(sensitive, new)' });
    expect(root.sh('grep ^zed: /etc/shadow | cut -d : -f 2')).toBe(`${hash.reveal()}\n`);
    expect(root.sh('id zed; ls -d /home/zed')).toBe(
      'uid=7002(zed) gid=7002(zed) groups=7002(zed),7001(team)\n/home/zed\n',
    );
    root.sh('gpasswd -d zed team >/dev/null; usermod -s /bin/bash zed');
    expect(converge(wanted).fields).toEqual([
      { name: 'groups', from: '', to: 'team' },
      { name: 'shell', from: '/bin/bash', to: '/bin/sh' },
    ]);
    expect(converge(user({ name: 'svc', system: true, group: 'team', home: '/srv/svc' })).action).toBe('create');
    expect(takeAway(user({ name: 'svc', system: true }))).toMatchObject({ kind: 'remove' });
    takeAway(wanted);
    expect(root.sh('ls -d /home/zed')).toBe('/home/zed\n');
    takeAway(team);
    expect(takeAway(user({ name: 'daemon' })).kind).toBe('stays');
    expect(takeAway(group({ name: 'adm' })).kind).toBe('stays');
  });

  test('a user that came from elsewhere under a name of ours is not ours', () => {
    converge(user({ name: 'yan' }));
    root.sh('userdel yan; useradd -u 7100 yan');
    expect(takeAway(user({ name: 'yan' })).kind).toBe('stays');
  });

  test('a key among others, in a home with too open modes', () => {
    root.sh('useradd -m -s /bin/sh kim; mkdir -m 0777 /home/kim/.ssh');
    const other = `${KEY.replace('QhVQ', 'QhVX')} other`;
    root.write('/home/kim/.ssh/authorized_keys', `# ${KEY}\n${other}`, 0o666);
    const wanted = authorizedKey({ user: 'kim', key: `${KEY} kim@here`, options: 'from="10.0.0.0/8",no-pty' });
    converge(wanted);
    expect(root.read('/home/kim/.ssh/authorized_keys')).toBe(
      `# ${KEY}\n${other}\nfrom="10.0.0.0/8",no-pty ${KEY} kim@here\n`,
    );
    expect(root.sh('cd /home/kim/.ssh; stat -c "%a %U" . authorized_keys')).toBe('755 kim\n600 kim\n');
    converge(authorizedKey({ user: 'kim', key: `${KEY} renamed` }));
    takeAway(wanted);
    expect(root.read('/home/kim/.ssh/authorized_keys')).toBe(`# ${KEY}\n${other}\n`);
  });

  test('a hostile home is not followed', () => {
    root.sh(
      'useradd -m eve; mkdir /root/.ssh 2>/dev/null; ln -s /root/.ssh /home/eve/.ssh; chown -h eve /home/eve/.ssh',
    );
    const wanted = authorizedKey({ user: 'eve', key: KEY });
    expect(root.observe([wanted])[0]).toEqual({
      state: 'unknown',
      reason: '~eve/.ssh is a symlink: farmctl does not follow it',
    });
    // Even if the link came after the look.
    const owner = root.sh('stat -c "%U %a" /root/.ssh');
    expect(() => root.make(wanted.type.apply(wanted.desired, undefined, []))).toThrow('/home/eve/.ssh is a symlink');
    expect(root.sh('stat -c "%U %a" /root/.ssh')).toBe(owner);
    root.sh(
      'rm /home/eve/.ssh; mkdir /home/eve/.ssh; chown eve /home/eve/.ssh; ln -s /etc/shadow /home/eve/.ssh/authorized_keys',
    );
    expect(() => root.make(wanted.type.apply(wanted.desired, undefined, []))).toThrow('no regular file');
  });

  test('a guarded command runs until its guard says that it is done', () => {
    converge(exec({ name: 'make it', script: sh`mkdir -p /srv/by-exec`, creates: '/srv/by-exec' }));
    converge(exec({ name: 'undo it', script: sh`rm -rf /srv/by-exec`, onlyIf: sh`[ -d /srv/by-exec ]` }));
    converge(exec({ name: 'once', script: sh`echo x >/srv/once`, unless: sh`[ -s /srv/once ]` }));
  });
});
