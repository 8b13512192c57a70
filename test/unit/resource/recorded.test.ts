import { expect, test } from 'vitest';
import { bytes, Content, file, ownedDirectory, Secret, sh, text } from '../../../src/index.ts';
import { recorded, restore } from '../../../src/resource/recorded.ts';

test('a manifest keeps no secret, no content and no resource inside a resource', () => {
  const secret = new Secret('hunter22', 'a test');
  const desired = {
    path: '/etc/x',
    plain: text('a\n'),
    raw: bytes(Uint8Array.from([1])),
    withSecret: text(`password ${secret.placeholder}`),
    declared: text('hunter22', { sensitive: true }),
    secret,
    list: [1, 'two', null, secret, file({ path: '/x', content: text('') })],
    script: sh`echo ${'a b'}`,
    nested: { deep: { yes: true, nothing: undefined } },
    projection: () => 1,
    config: [file({ path: '/x', content: text('') })],
  };
  const json = recorded(desired);
  expect(json).toMatchInlineSnapshot(`
    {
      "config": [],
      "declared": {
        "$content": null,
      },
      "list": [
        1,
        "two",
        null,
        {
          "$secret": true,
        },
      ],
      "nested": {
        "deep": {
          "yes": true,
        },
      },
      "path": "/etc/x",
      "plain": {
        "$content": "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7",
      },
      "raw": {
        "$content": "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
      },
      "script": {
        "$script": "echo 'a b'",
      },
      "secret": {
        "$secret": true,
      },
      "withSecret": {
        "$content": null,
      },
    }
  `);
  expect(JSON.stringify(json)).not.toContain('hunter22');
  expect(JSON.stringify(json)).not.toContain(secret.placeholder);
});

test('what is restored is what probe and remove need', () => {
  const secret = new Secret('hunter22', 'a test');
  const kept = restore(
    JSON.parse(JSON.stringify(recorded({ a: text('a\n'), b: text(secret.placeholder), c: sh`x`, d: secret, e: [] }))),
  );
  expect(kept).toMatchObject({ c: sh`x`, e: [] });
  expect(Object.keys(kept as object)).toEqual(['a', 'b', 'c', 'e']);
  const { a, b } = kept as { a: Content; b: Content };
  expect(a.digest).toBe(text('a\n').digest);
  expect([a.sensitive, b.sensitive, a.size, a.masked, a.shown]).toEqual([false, true, undefined, undefined, undefined]);
  expect(() => [...a.pieces()]).toThrow('cannot be sent');
  expect(() => b.digest).toThrow('cannot be sent');
});

test('an owned directory remembers the names of its entries', () => {
  const own = ownedDirectory({ path: '/d', entries: [file({ path: '/d/a b', content: text('') })] });
  expect(recorded(own.desired)).toMatchObject({ entries: [], names: ['a b'], ignore: [] });
});

test('what a restored manifest holds from elsewhere does no harm', () => {
  for (const odd of [null, 1, 'x', [], { $content: 5 }, { $script: 5 }, { $secret: true }, { a: { $content: 'x' } }])
    expect(() => restore(odd)).not.toThrow();
  expect(Content.ofDigest('x').sensitive).toBe(false);
});
