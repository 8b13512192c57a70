import { describe, expect, it } from 'vitest';
import { Content } from '../../../src/model/content.ts';
import { t } from '../../../src/model/schema.ts';
import { Secret } from '../../../src/model/secret.ts';
import { validate } from '../../../src/model/validate.ts';

const told = (schema: Parameters<typeof validate>[0], value: unknown, options = {}) =>
  validate(schema, value, options).map((one) => `${one.instancePath} ${one.keyword}`);

describe('validate', () => {
  it('fills in defaults, nested ones too, unless told not to', () => {
    const schema = t.object({
      port: t.port({ default: 80 }),
      sites: t.array(t.object({ tls: t.boolean({ default: false }) })),
    });
    const value = { sites: [{}] };
    expect(validate(schema, value)).toEqual([]);
    expect(value).toEqual({ port: 80, sites: [{ tls: false }] });
    const other = { sites: [] };
    expect(told(schema, other, { fillDefaults: false })).toEqual([' required']);
    expect(other).toEqual({ sites: [] });
  });

  it('reports all mistakes', () => {
    const schema = t.object({ a: t.integer(), b: t.string(), c: t.boolean() });
    expect(told(schema, { a: 1.5, b: 2, d: 3 })).toEqual([' required', ' additionalProperties', '/a type', '/b type']);
  });

  it('takes secrets and contents where they belong, and finds stray ones', () => {
    const secret = new Secret('value', 'test');
    const schema = t.object({ key: t.secret(), text: t.string(), content: t.content() });
    expect(told(schema, { key: secret, text: 'x', content: Content.text('') }, { refuseStraySecrets: true })).toEqual(
      [],
    );
    expect(told(schema, { key: 'plain', text: secret, content: 'x' }, { refuseStraySecrets: true })).toEqual([
      '/key secret',
      '/content content',
      '/text stray-secret',
    ]);
    const record = t.record(t.string(), t.string());
    expect(told(record, { '/a': secret }, { refuseStraySecrets: true })).toEqual(['/~1a stray-secret']);
  });

  it('tells of a union what is wrong in the branch that was meant', () => {
    const schema = t.object({ to: t.union([t.literal('none'), t.object({ host: t.string(), port: t.port() })]) });
    expect(told(schema, { to: { host: 'a', port: 0 } })).toEqual(['/to/port minimum']);
    expect(told(schema, { to: 5 })).toEqual(['/to anyOf']);
  });

  it('keeps slashes in keys apart from levels', () => {
    const [found] = validate(t.record(t.string(), t.integer()), { '/etc/a~b': 'x' });
    expect(found?.path).toEqual(['/etc/a~b']);
  });
});
