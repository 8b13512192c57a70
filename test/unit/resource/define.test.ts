import { describe, expect, test } from 'vitest';
import {
  authorizedKey,
  block,
  defineResource,
  exec,
  FarmError,
  file,
  known,
  ownedDirectory,
  packages,
  Script,
  Secret,
  sh,
  symlink,
  sysctl,
  t,
  text,
  unitFile,
  user,
} from '../../../src/index.ts';
import { resourceTypes } from '../../../src/resource/define.ts';

/** What an author reads who wrote something wrong; the types forbid most of it, but nobody checks a role's types. */
function mistake(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof FarmError) return error.diagnostics.map((one) => `${one.code}: ${one.detail}`).join('\n');
    throw error;
  }
  return 'none';
}

const any = <T>(value: unknown): T => value as T;

describe('defineResource', () => {
  const define = () =>
    defineResource({
      type: 'lamp',
      desired: t.object({ name: t.string(), watts: t.integer({ minimum: 1 }), colour: t.optional(t.string()) }),
      defaults: { watts: 40 },
      id: ({ name }) => name,
      probe: () => sh`:`,
      parse: (record) => known(Number(record.text('watts'))),
      diff: ({ watts }, observed) =>
        observed === watts
          ? undefined
          : {
              action: 'update',
              fields: [{ name: 'watts', from: observed?.toString(), to: `${watts}` }],
              texts: [],
              risk: 'none',
              notes: [],
            },
      apply: () => ({}),
      remove: () => ({ kind: 'gone' }),
      refuse: ({ name, watts }) =>
        name === 'small' && watts > 5 ? { field: 'watts', detail: 'are too many' } : undefined,
    });

  test('fills in defaults, leaves out what is undefined, and leaves what was given alone', () => {
    const lamp = define();
    const given = { name: 'desk', colour: undefined };
    const one = lamp(any(given));
    expect(one).toMatchObject({ id: 'desk', desired: { name: 'desk', watts: 40 } });
    expect(Object.keys(one.desired)).toEqual(['watts', 'name']);
    expect(given).toEqual({ name: 'desk', colour: undefined });
    expect(one.type).toBe(lamp.type);
    expect(resourceTypes.get('lamp')).toBe(lamp.type);
  });

  test('derives the whole from the difference, and is not for files only', () => {
    const lamp = define();
    expect(lamp.type.filesOnly).toBe(false);
    expect(lamp.type.whole({ name: 'desk', watts: 60 }).fields).toEqual([{ name: 'watts', from: undefined, to: '60' }]);
  });

  test('names every wrong argument, and what the type refuses', () => {
    const lamp = define();
    expect(mistake(() => lamp(any({ name: 'desk', watts: 0, watt: 3, colour: 7 })))).toMatchInlineSnapshot(
      `"resource/invalid: The resource lamp desk cannot be made: it has no argument "watt"; "watts" must be >= 1; "colour" must be string."`,
    );
    expect(mistake(() => lamp(any({})))).toMatchInlineSnapshot(
      `"resource/invalid: The resource lamp cannot be made: "name" is missing."`,
    );
    expect(mistake(() => lamp(any('desk')))).toMatchInlineSnapshot(
      `"resource/invalid: The resource lamp cannot be made: it must be object."`,
    );
    expect(mistake(() => lamp({ name: 'small' }))).toMatchInlineSnapshot(
      `"resource/invalid: The resource lamp small cannot be made: "watts" are too many."`,
    );
  });
});

test('mistakes in the built-in types', () => {
  const script = sh`:`;
  const content = text('');
  const secret = new Secret('hunter22', 'a test');
  const mistakes = [
    () => file(any({ path: '/etc/x', content: 'a string' })),
    () => file({ path: 'etc/x', content }),
    () => file({ path: '/etc/../x', content }),
    () => file({ path: '/etc/x/', content }),
    () => file({ path: '/etc/x', content, mode: '0888' }),
    () => file(any({ path: '/etc/x', content, mode: 0o644 })),
    () => symlink({ path: '/x', target: '' }),
    () => ownedDirectory({ path: '/d', entries: [file({ path: '/d/e/f', content })] }),
    () =>
      ownedDirectory({
        path: '/d',
        entries: [file({ path: '/d/f', content }), symlink({ path: '/d/f', target: 'x' })],
      }),
    () => ownedDirectory({ path: '/d', entries: [sysctl({ key: 'a.b', value: '1' })] }),
    () => ownedDirectory({ path: '/d', entries: [], ignore: ['$(id)'] }),
    () => block({ path: '/x', name: 'a', content: 'x\n# END farmctl a\ny' }),
    () => block({ path: '/x', name: 'a b', content: '' }),
    () => block({ path: '/x', name: 'a', content: secret.placeholder }),
    () => exec({ name: 'x', script: sh`echo ${secret.placeholder}`, creates: '/x' }),
    () => packages(['Apache2']),
    () => packages(['nano', { name: 'nano', version: '1' }]),
    () => packages(['nano'], { absent: ['nano'] }),
    () => packages([{ name: 'nano', version: '1; id' }]),
    () => unitFile({ unit: '../x.service', content }),
    () => sysctl({ key: 'net/../../etc/passwd', value: '1' }),
    () => sysctl({ key: 'net.x', value: 'a\nb' }),
    () => user({ name: 'root; id' }),
    () => user({ name: 'zed', comment: 'a:b' }),
    () => user(any({ name: 'zed', passwordHash: '$6$x' })),
    () => authorizedKey({ user: 'zed', key: 'ssh-ed25519 AAAA\nssh-ed25519 AAAA' }),
    () => exec(any({ name: 'x', script: 'rm -rf /', creates: '/x' })),
    () => exec(any({ name: 'x', script })),
    () => exec(any({ name: 'x', script, creates: '/x', unless: script })),
    () => exec(any({ name: 'x', script, unless: 'true' })),
  ];
  expect(mistakes.map((make) => mistake(make).replace('resource/invalid: The resource ', ''))).toMatchInlineSnapshot(`
    [
      "file /etc/x cannot be made: "content" must be a content, as text() and render() make it.",
      "file etc/x cannot be made: "path" cannot be "etc/x": it must be an absolute path, without "." and ".." in it and without a slash at its end.",
      "file /etc/../x cannot be made: "path" cannot be "/etc/../x": it must be an absolute path, without "." and ".." in it and without a slash at its end.",
      "file /etc/x/ cannot be made: "path" cannot be "/etc/x/": it must be an absolute path, without "." and ".." in it and without a slash at its end.",
      "file /etc/x cannot be made: "mode" cannot be "0888": it must be three or four octal digits.",
      "file /etc/x cannot be made: "mode" must be string.",
      "symlink /x cannot be made: "target" cannot be "": it must be a text that is not empty.",
      "ownedDirectory /d cannot be made: "entries" hold /d/e/f, which does not lie directly in it.",
      "ownedDirectory /d cannot be made: "entries" hold "f" twice.",
      "ownedDirectory /d cannot be made: "entries" hold a sysctl; only files and symlinks can lie in it.",
      "ownedDirectory /d cannot be made: "ignore.0" cannot be "$(id)": it must be a shell pattern of letters, digits and ._*?[]!+@~-.",
      "block /x cannot be made: "content" holds a mark of its own block.",
      "block /x cannot be made: "name" cannot be "a b": it must be a word of letters, digits and ._-.",
      "block /x cannot be made: "content" holds a secret: keep that in a file of its own.",
      "exec x cannot be made: "script" holds a secret: let it read that from a file.",
      "packages cannot be made: "packages.0.name" cannot be "Apache2": it must be the name of a package, such as 'curl'.",
      "packages cannot be made: "packages" names nano twice.",
      "packages cannot be made: "absent" names nano, which is wanted too.",
      "packages cannot be made: "packages.0.version" cannot be "1; id": it must be a version as apt prints it.",
      "unitFile ../x.service cannot be made: "unit" cannot be "../x.service": it must be the name of a unit with its ending, such as "x.service".",
      "sysctl net/../../etc/passwd cannot be made: "key" cannot be "net/../../etc/passwd": it must be a key such as "net.core.somaxconn".",
      "sysctl net.x cannot be made: "value" cannot be "a\\nb": it must be one line that is not empty.",
      "user root; id cannot be made: "name" cannot be "root; id": it must be a name of small letters, digits, "_" and "-", at most 32.",
      "user zed cannot be made: "comment" cannot be "a:b": it must be one line without a colon.",
      "user zed cannot be made: "passwordHash" must be a secret, as !file and !env make it.",
      "authorizedKey zed cannot be made: "key" cannot be "ssh-ed25519 AAAA\\nssh-ed25519 AAAA": it must be one line of a .pub file: type, key and comment.",
      "exec x cannot be made: "script" must be a script, as the tag sh makes it.",
      "exec x cannot be made: "script" needs exactly one of creates, unless and onlyIf.",
      "exec x cannot be made: "script" needs exactly one of creates, unless and onlyIf.",
      "exec x cannot be made: "unless" must be a script, as the tag sh makes it.",
    ]
  `);
});

test('a script without a guard does not compile', () => {
  // @ts-expect-error one of creates, unless and onlyIf is missing
  expect(() => exec({ name: 'x', script: new Script(':') })).toThrow(FarmError);
  // @ts-expect-error a content is no string
  expect(() => file({ path: '/x', content: 'x' })).toThrow(FarmError);
});
