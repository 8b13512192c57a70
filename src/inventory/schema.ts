import { Type } from 'typebox';
import type { RoleDeclarations } from '../model/role-declaration.ts';
import { type Static, type TObject, type TProperties, type TSchema, t } from '../model/schema.ts';

const NAME = '^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$';
const DOMAIN = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$';
const HOST_OR_ADDRESS = '[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?';

/** A map whose keys are the user's names. */
function named<S extends TSchema>(schema: S, description: string) {
  return Type.Unsafe<Record<string, Static<S>>>({ type: 'object', additionalProperties: schema, description });
}

const osSchema = () =>
  t.string({ pattern: '^[a-z][a-z0-9]*-[0-9]+(\\.[0-9]+)*$', description: 'The hosts\' system, such as "debian-12".' });

const address = (description: string) => t.string({ format: 'ipv4', description });

const JUMP = `^([^-\\s@:][^\\s@:]*@)?${HOST_OR_ADDRESS}(:[0-9]{1,5})?$`;
const JUMP_FORM = 'A host on the way, [user@]host[:port].';

const sshKeys = {
  port: t.optional(t.port({ description: 'The port of sshd.' })),
  user: t.optional(
    t.string({
      pattern: '^[^-\\s@:][^\\s@:]*$',
      description: 'Whom to log in as: a name without spaces, "@" and ":".',
    }),
  ),
  private_key: t.optional(
    t.string({ minLength: 1, description: 'Path of the private key, from the file that says it.' }),
  ),
  jump: t.optional(
    Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      pattern: JUMP,
      items: { type: 'string', pattern: JUMP, description: JUMP_FORM },
      description: `${JUMP_FORM} The first hop first.`,
    }),
  ),
  host_keys: t.optional(
    t.array(
      t.string({
        pattern: '^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$',
        description: 'A public host key, "ssh-ed25519 AAAA…".',
      }),
      { description: 'The only host keys that are accepted.' },
    ),
  ),
  accept_new: t.optional(t.boolean({ description: 'Accept and remember the key of a host that is not known yet.' })),
  ssh_config: t.optional(t.boolean({ description: "False: leave the user's ssh configuration aside." })),
};
const sshSchema = t.object(sshKeys, { description: 'How the hosts are reached; the inner level wins, key by key.' });
const hostSshSchema = t.object(
  {
    address: t.optional(
      t.string({ pattern: `^${HOST_OR_ADDRESS}$`, description: "Where to connect to; else the host's first address." }),
    ),
    ...sshKeys,
  },
  { description: 'How this host is reached.' },
);

const becomeKeys = t.object({
  enabled: t.optional(t.boolean({ description: 'Run commands as another user than the one who logs in.' })),
  user: t.optional(
    t.string({ pattern: '^[a-z_][a-z0-9_.-]*\\$?$', description: 'The user whom commands run as, root by default.' }),
  ),
  password: t.optional(t.secret({ description: 'What sudo asks for.' })),
});
const becomeSchema = Type.Unsafe<boolean | Static<typeof becomeKeys>>({
  ...becomeKeys,
  type: ['boolean', 'object'],
  description: 'As whom commands run: true or false, or { enabled, user, password }.',
});

const networkSchema = t.object(
  {
    cidr: t.string({ format: 'ipv4-network', description: 'The network, such as 10.77.0.0/24.' }),
    device: t.string({
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,14}$',
      description: 'Its device on every host, such as eth0.',
    }),
  },
  { description: 'A network of the farm.' },
);

const vipSchema = t.object(
  {
    address: address('The address that moves.'),
    pair: t.array(t.string(), { minItems: 2, maxItems: 2, description: 'The two hosts that may hold it.' }),
  },
  { description: 'A virtual address.' },
);

const levelSchemas = new WeakMap<TObject, TSchema>();

/** A role's variables as one level may say them: none has to be there, and defaults come later. */
export function levelVariables(variables: TObject): TSchema {
  let schema = levelSchemas.get(variables);
  if (schema === undefined) {
    const { required: _required, default: _default, ...rest } = mapSchema(variables, withoutDefaulted);
    schema = Type.Unsafe<Record<string, unknown>>(rest);
    levelSchemas.set(variables, schema);
  }
  return schema;
}

/** The same schema, but compiled when the first value meets it: few of all roles are in play. */
function deferred(schema: TSchema): TSchema {
  return Type.Unsafe<Record<string, unknown>>({ deferred: schema });
}

const inventorySchemas = new WeakMap<RoleDeclarations, ReturnType<typeof buildSchema>>();

/** The schema of a whole inventory for these roles. Validation, editors and the reference page all use it. */
export function inventorySchema(roles: RoleDeclarations): ReturnType<typeof buildSchema> {
  let schema = inventorySchemas.get(roles);
  if (schema === undefined) {
    schema = buildSchema(roles);
    inventorySchemas.set(roles, schema);
  }
  return schema;
}

function buildSchema(roles: RoleDeclarations) {
  const byRole: TProperties = {};
  const byPart: TProperties = {};
  for (const role of roles.values()) {
    const variables = t.optional(deferred(levelVariables(role.variables)));
    byRole[role.name] = variables;
    byPart[role.name] = variables;
    for (const part of role.parts.keys()) byPart[part] = variables;
  }
  const roleVariables = t.optional(
    Type.Unsafe<Record<string, Record<string, unknown>>>(t.object(byRole, { description: 'Variables by role.' })),
  );
  const hostSchema = Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    properties: {
      ssh: hostSshSchema,
      become: becomeSchema,
      retired: t.boolean({
        description: 'True: the others forget it, and an apply takes off it what farmctl put there.',
      }),
      os: osSchema(),
      ...byRole,
    },
    additionalProperties: address('The address in the network of that name.'),
    description: 'A host: its address by network, and what differs from its tier.',
  });
  const roleEntry = Type.Unsafe<string | Record<string, Record<string, unknown> | null>>({
    ...t.object(byPart, { minProperties: 1, maxProperties: 1 }),
    type: ['string', 'object'],
    description: 'A role or one part of it; with variables: { apache-app: { workers: 400 } }.',
  });
  const tierSchema = t.object(
    {
      roles: t.array(roleEntry, { description: 'The roles of every host of the tier, in this order.' }),
      hosts: t.optional(named(hostSchema, 'The hosts by name; "app[1:3]" counts names and addresses along.')),
      variables: roleVariables,
      ssh: t.optional(sshSchema),
      become: t.optional(becomeSchema),
      os: t.optional(osSchema()),
    },
    { description: 'Hosts with one place in the farm.' },
  );
  return t.object(
    {
      $schema: t.optional(t.string({ description: 'For editors.' })),
      farm: t.string({
        pattern: NAME,
        maxLength: 63,
        description: 'The name of the farm: letters, digits, "-", "_" and ".".',
      }),
      domain: t.string({
        pattern: DOMAIN,
        maxLength: 253,
        description: 'The domain of all its hosts in small letters, such as "shop.example".',
      }),
      os: t.optional(osSchema()),
      networks: t.optional(named(networkSchema, 'The networks by name.')),
      vips: t.optional(named(vipSchema, 'The virtual addresses by name.')),
      variables: roleVariables,
      ssh: t.optional(sshSchema),
      become: t.optional(becomeSchema),
      tiers: named(tierSchema, 'The tiers by name.'),
    },
    { description: 'An inventory of farmctl.' },
  );
}

/** What the schema promises of a document that satisfies it. */
export type InventoryDocument = Static<ReturnType<typeof inventorySchema>>;

/** The same schema as plain JSON Schema for editors, where tags are strings. */
export function publishedSchema(roles: RoleDeclarations): Record<string, unknown> {
  const { properties, ...rest } = inventorySchema(roles);
  const include = {
    type: ['string', 'array'],
    items: { type: 'string' },
    description: 'Further files, relative to this one.',
  };
  const schema = { ...rest, properties: { include, ...properties } };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'farmctl inventory',
    ...mapSchema(schema, forEditors),
  };
}

/** Every schema inside a schema, and then itself, changed by `change`. Names of properties are left alone. */
function mapSchema(schema: object, change: (schema: Record<string, unknown>) => Record<string, unknown>) {
  const mapped: Record<string, unknown> = {};
  const one = (value: unknown): unknown => (isObject(value) ? mapSchema(value, change) : value);
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'deferred' && isObject(value)) {
      Object.assign(mapped, mapSchema(value, change));
    } else if (key === 'properties' || key === 'patternProperties') {
      mapped[key] = Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, one(entry)]));
    } else if (key === 'anyOf' || key === 'allOf' || key === 'oneOf') {
      mapped[key] = Array.isArray(value) ? value.map(one) : value;
    } else mapped[key] = key === 'items' || key === 'additionalProperties' ? one(value) : value;
  }
  return change(mapped);
}

function forEditors(schema: Record<string, unknown>): Record<string, unknown> {
  const { secret, content: _content, ...rest } = schema;
  if (secret === true) return { type: 'string', description: 'A secret: !file PATH or !env NAME.', ...rest };
  if (rest['format'] !== 'ipv4-network') return rest;
  const { format: _format, ...others } = rest;
  return { ...others, pattern: '^[0-9.]+/[0-9]{1,2}$' };
}

/** Properties with a default need not be written: ajv fills them in, and an editor must not ask for them. */
function withoutDefaulted(schema: Record<string, unknown>): Record<string, unknown> {
  const { required, ...rest } = schema;
  const { properties } = rest;
  if (!Array.isArray(required) || !isObject(properties)) return schema;
  const still = required.filter((name: string) => {
    const property: unknown = Reflect.get(properties, name);
    return !(isObject(property) && Object.hasOwn(property, 'default'));
  });
  return still.length > 0 ? { ...rest, required: still } : rest;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
