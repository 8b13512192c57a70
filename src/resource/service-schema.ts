import { t } from '../model/schema.ts';
import { holdsSecret } from '../model/secret.ts';
import { Script } from '../remote/sh.ts';
import type { Resource } from './define.ts';
import type { Refusal } from './desired.ts';
import type { ServiceDesired } from './service-set.ts';

/** Says what JSON Schema can say of a service, so that a misspelt argument is not passed over. */
export const serviceSchema = t.opaque<ServiceDesired>({
  ...t.object({
    unit: t.string({
      pattern: '^[A-Za-z0-9:_.@\\\\-]+\\.(service|socket|timer|path|target|mount|automount|swap|slice)$',
      title: 'the name of a unit with its ending, such as "nginx.service"',
    }),
    enabled: t.boolean(),
    active: t.union([t.boolean(), t.literal('with-vip')]),
    config: t.array(t.opaque<Resource>()),
    validate: t.optional(t.opaque<Script>()),
    checkers: t.optional(t.array(t.path())),
    reload: t.optional(t.opaque<Script | 'restart'>()),
    restartWhen: t.optional(t.unknown()),
    verify: t.optional(t.opaque<Script>()),
  }),
});

/** What the schema cannot say. */
export function refuseService(desired: ServiceDesired): Refusal | undefined {
  const { config, validate, reload, verify } = desired;
  if (desired.active === 'with-vip' && desired.enabled)
    return { field: 'enabled', detail: 'must be false: what lives where a VIP is must not start at boot' };
  const odd = config.find((one) => !one.type.filesOnly);
  if (odd !== undefined) {
    const what = `holds ${odd.type.type} ${odd.id}, whose change is more than files`;
    return { field: 'config', detail: `${what}: declare it before the service` };
  }
  for (const [field, script] of Object.entries({
    validate,
    verify,
    reload: reload === 'restart' ? undefined : reload,
  })) {
    if (script === undefined) continue;
    if (!(script instanceof Script)) return { field, detail: 'must be a script, as the tag sh makes it' };
    if (holdsSecret(script.text)) return { field, detail: 'holds a secret: let it read that from a file' };
  }
  return undefined;
}
