import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunSettings, runFarmctl } from './run-farmctl.ts';

const folder = mkdtempSync(join(tmpdir(), 'farmctl-cli-'));
const project = join(folder, 'web');
const farmctl = (words: string, settings: Partial<RunSettings> = {}) =>
  runFarmctl(
    words.split(' ').filter((word) => word !== ''),
    { cwd: project, ...settings },
  );

// Port 9 of this machine's own loopback: nothing listens there, and nothing leaves the machine.
const INVENTORY = `farm: web
domain: web.example
os: debian-12
networks: { web: { cidr: 127.0.0.0/8, device: lo } }
ssh: { port: 9, ssh_config: false }
tiers:
  app:
    roles: [motd, guarded]
    hosts: { 'app[1:3]': { web: 127.0.0.2 } }
variables: { guarded: { key: !file door.key } }
`;

const GUARDED = `import { defineRole, file, t, text } from 'farmctl';
export default defineRole({
  name: 'guarded',
  summary: 'Writes a key.',
  systems: ['debian-12'],
  variables: t.object({ key: t.secret() }),
  resources: ({ variables }) => [
    file({ path: '/etc/door', content: text(\`key "\${variables.key.placeholder}"\\nopen no\\n\`), mode: '0600' }),
  ],
});
`;

beforeAll(async () => {
  const made = await runFarmctl(['init', 'web'], { cwd: folder });
  expect(made).toMatchObject({ code: 0, stderr: '' });
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a new project', () => {
  test('is right at once', async () => {
    expect(await farmctl('validate -i prod')).toEqual({
      code: 0,
      stdout: 'web: the inventory is right, and its roles render 2 files on 2 hosts.\n',
      stderr: '',
    });
  });

  test('is never made where something lies', async () => {
    const again = await runFarmctl(['init', 'web'], { cwd: folder });
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('error[cli/folder-in-use]');
  });
});

describe('with a farm', () => {
  beforeAll(() => {
    writeFileSync(join(project, 'inventories/prod.yaml'), INVENTORY);
    writeFileSync(join(project, 'inventories/door.key'), 'geheimnis-"door"\n', { mode: 0o600 });
    mkdirSync(join(project, 'roles/guarded'));
    writeFileSync(join(project, 'roles/guarded/role.ts'), GUARDED);
  });

  test.concurrent.each([
    ['plna', "unknown command 'plna'\n(Did you mean plan?)"],
    ['plan --lmit app', "unknown option '--lmit'\n(Did you mean --limit?)"],
    ['plan -f 0', 'It takes a whole number from 1 to 1000.'],
    ['plan -l ,', 'The pattern "," of -l has an empty term.'],
    ['plan -l ap1', 'there is no host, tier, role or part "ap1". Did you mean "app1"?'],
    ['plan --exclude app', 'No host is left of "all" without "app".'],
    ['plan -t motdd', '--tags names "motdd", which is no role, part or tag in this farm. Did you mean "motd"?'],
    ['plan -t ,', '--tags has an empty tag.'],
    ['plan --skip-tags mtod', '--skip-tags names "mtod"'],
    ['plan -i prd', 'There is no inventory "prd". Did you mean "prod"?'],
    ['plan -e motd.mesage=x', 'role motd has no variable "mesage". Did you mean "message"?'],
    ['roles mtod', 'There is no role "mtod". Did you mean "motd"?'],
    ['explain message --host app9', 'There is no host "app9".'],
    ['explain mesage --host app1', 'Did you mean "message"?'],
    ['inventory --graph svg', 'Allowed choices are dot, mermaid.'],
    ['plan -k', '-k asks for a secret, and there is no terminal to ask on.'],
    ['apply', 'apply asks before it changes anything, and there is no terminal to ask on.'],
    ['apply --json', 'apply --json prints no question.'],
  ])('farmctl %s is refused and says how it is meant', async (words, message) => {
    const { code, stdout, stderr } = await farmctl(words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });

  test.concurrent.each(['plan', 'drift', 'verify', 'facts', 'apply --yes', 'exec -- true'])(
    'farmctl %s ends with 4 where no host can be reached',
    async (words) => {
      const { code, stderr } = await farmctl(words);
      expect(code).toBe(4);
      expect(stderr).toContain('error[ssh/unreachable]');
    },
  );

  test('results are on stdout alone, also as JSON', async () => {
    const { stdout, stderr } = await farmctl('plan --json');
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'plan', formatVersion: 1, farm: 'web', hosts: [{}, {}, {}] });
    expect(stderr).toContain('Connecting to 3 hosts\n');
  });

  test('apply -C is plan', async () => {
    const { code, stdout } = await farmctl('apply -C');
    expect({ code, stdout }).toEqual({
      code: 4,
      stdout: 'No host could be planned.\nLeft out: app[1:3] (unreachable).\n',
    });
  });

  test.concurrent.each(['plan', 'apply', 'verify', 'exec -- true', 'facts', 'render', 'inventory'])(
    'farmctl %s --list-hosts talks to none',
    async (words) => {
      const [command = '', ...rest] = words.split(' ');
      const { code, stdout, stderr } = await farmctl(`${command} --list-hosts -l app:!app2 ${rest.join(' ')}`);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'app1\napp3\n', stderr: '' });
    },
  );

  test('the inventory may come from stdin, and then knows no folder of its own', async () => {
    const input = INVENTORY.replace('door.key', join(project, 'inventories/door.key'));
    const { code, stdout } = await farmctl('inventory -i - --list-hosts', { input });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'app1\napp2\napp3\n' });
  });

  test('FARMCTL_INVENTORY names it, and -i wins', async () => {
    const environment = { FARMCTL_INVENTORY: 'nothing' };
    expect((await farmctl('inventory', { environment })).stderr).toContain('There is no inventory "nothing".');
    expect((await farmctl('inventory -i prod', { environment })).code).toBe(0);
    const elsewhere = { cwd: folder, environment: { FARMCTL_INVENTORY: join(project, 'inventories/prod.yaml') } };
    for (const words of ['inventory --list-hosts', 'roles guarded', 'schema']) {
      const { code, stdout, stderr } = await farmctl(words, elsewhere);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(words.startsWith('inventory') ? 'app1' : 'guarded');
    }
  });

  test('explain names the winner and where it stands', async () => {
    const { stdout } = await farmctl('explain motd.message --host app1 -e motd.message=hello');
    expect(stdout).toBe(
      'motd.message = "hello"\n  wins  option -e             "hello"\n  loses the role\'s default    "Welcome."\n',
    );
  });

  test('render writes every file for its owner alone, and no secret', async () => {
    const { code, stdout } = await farmctl('render -o rendered');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '6 files of 3 hosts written to rendered.\n' });
    const door = join(project, 'rendered/app1/etc/door');
    expect(readFileSync(door, 'utf8')).toBe('key "(sensitive)"\nopen no\n');
    expect(statSync(door).mode & 0o777).toBe(0o600);
    expect(statSync(join(project, 'rendered')).mode & 0o777).toBe(0o700);
    expect((await farmctl('render -o rendered -l app2 -t motd')).code).toBe(0);
    expect(readdirSync(join(project, 'rendered')).sort()).toEqual(['.farmctl-render', 'app2']);
    const roles = await farmctl('render -o roles');
    expect(roles.stderr).toContain('error[cli/folder-in-use]');
  });

  test('render writes through the links that it made as on the host, never to this machine', async () => {
    const outside = join(folder, 'outside');
    const role = (made: string) => `import { defineRole, file, symlink, t, text } from 'farmctl';
export default defineRole({
  name: 'released', summary: 'Links.', systems: ['debian-12'], variables: t.object({}),
  resources: () => [${made}],
});
`;
    const link = (path: string, target: string) => `symlink({ path: '${path}', target: '${target}' })`;
    const written = (path: string) => `file({ path: '${path}', content: text('new\\n') })`;
    const render = async (...made: string[]) => {
      mkdirSync(join(project, 'roles/released'), { recursive: true });
      writeFileSync(join(project, 'roles/released/role.ts'), role(made.join(', ')));
      const input = `${INVENTORY.split('variables:')[0]}`.replace('[motd, guarded]', '[released]');
      return await farmctl('render -i - -o linked -l app1', { input });
    };
    mkdirSync(outside);
    const made = await render(
      link('/srv/current', outside),
      written('/srv/current/page'),
      link('/srv/up', '../../../..'),
      written('/srv/up/page'),
    );
    expect(made).toEqual({ code: 0, stdout: '4 files of 1 host written to linked.\n', stderr: '' });
    expect(readdirSync(outside)).toEqual([]);
    const root = join(project, 'linked/app1');
    expect(readFileSync(join(root, outside, 'page'), 'utf8')).toBe('new\n');
    expect(readFileSync(join(root, 'page'), 'utf8')).toBe('new\n');
    writeFileSync(join(outside, 'page'), 'mine\n');
    for (const taken of [
      await render(
        link('/srv/real/page', join(outside, 'page')),
        link('/srv/other', '/srv/real'),
        written('/srv/other/page'),
      ),
      await render(link('/srv/a', 'b'), link('/srv/b', 'a'), written('/srv/a/page')),
      await render(written('/srv/a'), written('/srv/a/page')),
    ]) {
      expect(taken.stderr).toContain('error[cli/path-taken]');
    }
    expect(readFileSync(join(outside, 'page'), 'utf8')).toBe('mine\n');
    rmSync(join(project, 'roles/released'), { recursive: true });
  });

  test('no command shows a secret', async () => {
    const commands = [
      'inventory --json',
      'explain guarded --host app1',
      'explain key --host app1 --json',
      'render',
      'plan --json',
      'schema',
      'roles --json',
      'validate -vv',
    ];
    const shown = await Promise.all(commands.map((words) => farmctl(words)));
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toContain('geheimnis');
    expect(shown[0]?.stdout).toContain('"key": "(sensitive)"');
  });

  test('validate says every mistake at once', async () => {
    const input = INVENTORY.replace('domain:', 'domian:').replace('roles: [motd,', 'roles: [mtod,');
    const { code, stderr } = await farmctl('validate -i -', { input });
    expect(code).toBe(1);
    expect(stderr).toContain('Did you mean "domain"?');
    expect(stderr).toContain('Did you mean "motd"?');
  });

  test('colours only where they are asked for', async () => {
    expect((await farmctl('inventory')).stdout).not.toContain('\x1b');
    expect((await farmctl('inventory', { environment: { FORCE_COLOR: '1' } })).stdout).toContain('\x1b[1mweb\x1b[22m');
  });

  test('completion knows the farm', async () => {
    const complete = async (...words: string[]) =>
      (await runFarmctl(['complete', '--', ...words], { cwd: project })).stdout
        .split('\n')
        .map((line) => line.split('\t')[0]);
    expect(await complete('dr')).toContain('drift');
    expect(await complete('plan', '--lim')).toContain('--limit');
    expect(await complete('plan', '-l', 'app:!app')).toContain('app:!app2');
    expect(await complete('plan', '-t', '')).toContain('motd');
    expect(await complete('explain', 'message', '--host', '')).toContain('app3');
    expect(await complete('roles', 'm')).toContain('motd');
    expect(await complete('plan', '-i', '')).toContain('prod');
    expect((await farmctl('completion zsh')).stdout).toContain('farmctl');
  });
});

test('help and version end with 0, no command with 1', async () => {
  expect(await farmctl('--version')).toMatchObject({ code: 0, stderr: '' });
  expect(await farmctl('plan --help')).toMatchObject({ code: 0, stderr: '' });
  expect(await farmctl('')).toMatchObject({ code: 1, stdout: '' });
});

test('without an inventory it says what to do', async () => {
  const { code, stderr } = await farmctl('plan', { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error[cli/no-inventory]: No inventory\n  No inventory was given, and there is none in ${folder}/inventories.\n` +
      '  hint: Name one with -i, set FARMCTL_INVENTORY, or make a project with `farmctl init DIRECTORY`.\n',
  );
});
