import type { RoleDeclarations } from '../../src/model/role-declaration.ts';
import { type TObject, t } from '../../src/model/schema.ts';

/** Roles that have one variable of each kind, so that messages do not change when a real role does. */
export const roles: RoleDeclarations = new Map(
  [
    role('base', t.object({ timezone: t.string({ default: 'UTC' }), reboot: t.boolean({ default: false }) })),
    role('resolver', t.object({})),
    role(
      'apache-app',
      t.object({
        workers: t.integer({ minimum: 1, maximum: 20000, default: 150 }),
        port: t.port({ default: 80 }),
        load: t.optional(t.number({ exclusiveMinimum: 0 })),
        log: t.enum(['none', 'common', 'combined'], { default: 'combined' }),
        sites: t.array(
          t.object({
            name: t.string({ minLength: 1 }),
            aliases: t.array(t.string(), { default: [], uniqueItems: true }),
            docroot: t.optional(t.path({ description: 'An absolute path.' })),
          }),
          { default: [], maxItems: 3 },
        ),
        tls: t.optional(t.object({ certificate: t.string(), key: t.secret() })),
        mode: t.mode({ default: '0640', description: 'Octal digits in quotes.' }),
        environment: t.record(t.string(), t.string(), { default: {} }),
        limit: t.union([t.integer(), t.literal('unlimited')], {
          default: 'unlimited',
          description: 'A number or "unlimited".',
        }),
      }),
    ),
    role(
      'bind9',
      t.object({ tsig: t.optional(t.secret()), forwarders: t.array(t.string({ format: 'ipv4' }), { default: [] }) }),
      ['bind9/primary', 'bind9/secondary'],
    ),
    role('nfs', t.object({ export: t.path({ description: 'The folder that is shared.' }) }), [
      'nfs/server',
      'nfs/client',
    ]),
  ].map((one) => [one.name, one]),
);

function role(name: string, variables: TObject, parts: readonly string[] = [name]) {
  return { name, variables, parts: new Map(parts.map((part) => [part, undefined])) };
}
