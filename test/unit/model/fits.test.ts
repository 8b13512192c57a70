import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fits } from '../../../src/model/fits.ts';
import { type TSchema, t } from '../../../src/model/schema.ts';
import { Secret } from '../../../src/model/secret.ts';
import { compile } from '../../../src/model/validate.ts';

const inner = t.object({
  port: t.port({ default: 80 }),
  name: t.string({ minLength: 1, maxLength: 2, pattern: '^[a-ü]+$' }),
  key: t.optional(t.secret()),
});

const SCHEMAS: readonly TSchema[] = [
  inner,
  t.object({ a: inner, b: t.array(inner, { minItems: 1, maxItems: 2 }), c: t.optional(t.boolean()) }),
  t.object({
    a: t.union([t.object({ z: t.string() }), t.null(), t.integer({ minimum: 1, maximum: 9 })]),
    b: t.enum(['x', 'y']),
  }),
  t.object({ a: t.number({ minimum: -1 }), b: t.string({ format: 'ipv4' }), c: t.literal('x') }),
  t.object({ a: t.optional(t.mode()), b: t.optional(t.path()), list: t.array(t.string(), { default: ['x'] }) }),
  t.object({}, { minProperties: 1, maxProperties: 2, additionalProperties: { type: ['string', 'integer'] } }),
  t.record(t.string(), t.integer()),
  t.record(t.string({ pattern: '^[ab]$' }), t.integer({ exclusiveMinimum: 0 }), { additionalProperties: false }),
  t.array(t.string(), { uniqueItems: true }),
];

const leaf = fc.oneof(
  fc.constantFrom<unknown>('x', 'y', '', 'ab', 'ü', '😀😀😀', '10.0.0.1', '/etc/a', '0644', null, true, undefined),
  fc.constantFrom<unknown>(0, 1, 80, -2, 1.5, 70000, Number.NaN),
  fc.constant(new Secret('hunter22', 'a test')),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'port', 'name', 'key', 'list', 'z'), tie('any'), { maxKeys: 4 }),
  ),
})).any;

test('what fits here fits ajv, and is filled with the same defaults', () => {
  let fitting = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMAS), value, fc.boolean(), (schema, given, fillDefaults) => {
      const [mine, theirs] = [structure(given), structure(given)];
      const isFitting = fits(schema, mine, fillDefaults, new Set());
      const isValid = compile(schema, fillDefaults)(theirs);
      if (!isFitting) return;
      fitting += 1;
      expect(isValid).toBe(true);
      expect(mine).toEqual(theirs);
    }),
    { numRuns: 20_000 },
  );
  expect(fitting).toBeGreaterThan(80);
});

/** A copy down to the leaves; secrets stay what they are. */
function structure(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(structure);
  if (typeof given !== 'object' || given === null || given instanceof Secret) return given;
  return Object.fromEntries(Object.entries(given).map(([key, entry]) => [key, structure(entry)]));
}

test('usual values fit, so that ajv is left alone', () => {
  const secrets = new Set<string>();
  const given = { a: { name: 'ab', key: new Secret('hunter22', 'a test') }, b: [{ port: 1, name: 'a' }] };
  expect(fits(SCHEMAS[1] ?? {}, given, true, secrets)).toBe(true);
  expect(given.a).toMatchObject({ port: 80 });
  expect([...secrets]).toEqual(['/a/key']);
});

test.each([
  { type: 'string', maximum: 3 },
  { anyOf: [{ type: 'object', properties: { a: { type: 'string', default: 'x' } } }] },
  { type: 'string', pattern: '(' },
  { type: 'object', oneOf: [] },
  { type: 'objekt' },
  { minimum: 3 },
])('the schema %j is left to ajv', (schema) => {
  expect(fits(schema, 'x', true, new Set())).toBe(false);
});
