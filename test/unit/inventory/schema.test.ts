import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadInventory } from '../../../src/inventory/load.ts';
import { publishedSchema } from '../../../src/inventory/schema.ts';
import { t } from '../../../src/model/schema.ts';
import { loadRoles } from '../../../src/role/load.ts';
import { roles } from '../../corpus/roles.ts';

const projectPath = join(import.meta.dirname, '../../..');

/** As an editor would: plain JSON Schema, tags are strings, nothing of ours. */
function editor(schema: object) {
  const ajv = new Ajv({ allErrors: true, strict: false, formats: { ipv4: /^[\d.]+$/ } });
  const check = ajv.compile(schema);
  return (text: string) => {
    const tags = ['!file', '!env', '!text'].map((tag) => ({ tag, resolve: (value: string) => value }));
    check(parse(text, { customTags: tags }));
    return (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
}

describe('the published schema', () => {
  it('is plain JSON Schema', () => {
    const text = JSON.stringify(publishedSchema(roles));
    expect(text).not.toMatch(/"secret":true|ipv4-network|"content":/);
    expect(JSON.parse(text)).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' });
  });

  it('takes what the loader takes, with tags as text, and asks for nothing that has a default', async () => {
    const text = `farm: shop
domain: shop.example
os: debian-12
include: [more.yaml]
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
variables: { bind9: { tsig: !env TSIG } }
tiers:
  app:
    roles: [base, bind9, { apache-app: { sites: [{ name: a }] } }]
    become: { password: !env TSIG }
    hosts: { app1: { web: 10.77.0.21, apache-app: { workers: 5 } } }
`;
    expect(editor(publishedSchema(roles))(text)).toEqual([]);
    const input = text.replace('include: [more.yaml]\n', '');
    const { diagnostics } = await loadInventory('-', { roles, input, environment: { TSIG: 'x' } });
    expect(diagnostics).toEqual([]);
  });

  it('finds in an editor what the loader finds', () => {
    const check = editor(publishedSchema(roles));
    expect(
      check(`farm: shop
tiers:
  app:
    roles: [{ apache-app: { wokers: 5, port: 0 } }]
    hosts: { app1: { web: 5, retired: yes } }
`),
    ).toEqual([
      " must have required property 'domain'",
      '/tiers/app/roles/0/apache-app must NOT have additional properties',
      '/tiers/app/roles/0/apache-app/port must be >= 1',
      '/tiers/app/hosts/app1/web must be string',
      '/tiers/app/hosts/app1/retired must be boolean',
    ]);
  });

  it('leaves variables alone that have the names of keywords', () => {
    const names = {
      secret: t.string(),
      default: t.string({ default: 'x' }),
      required: t.boolean(),
      properties: t.integer(),
    };
    const role = { name: 'odd', variables: t.object(names), parts: new Map([['odd', undefined]]) };
    const schema = publishedSchema(new Map([['odd', role]]));
    expect(JSON.stringify(schema)).toContain(JSON.stringify({ type: 'string' }));
    expect(editor(schema)('variables: { odd: { secret: 5, default: a, required: true, properties: 1 } }')).toContain(
      '/variables/odd/secret must be string',
    );
  });

  it('takes the demo', async () => {
    const { roles: builtIn } = await loadRoles(projectPath);
    const text = readFileSync(join(projectPath, 'inventories/demo.yaml'), 'utf8');
    expect(editor(publishedSchema(builtIn))(text)).toEqual([]);
  });
});
