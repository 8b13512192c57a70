import { type Static, t } from '../../model/schema.ts';
import { holdsSecret, maskText } from '../../model/secret.ts';
import { Script, sh } from '../../remote/sh.ts';
import { RISKS, type Risk } from '../change.ts';
import { absent, defineResource, known, type Resource, unknown } from '../define.ts';
import type { Refusal } from '../desired.ts';
import { probeTogether } from './path-probe.ts';

const schema = t.object({
  name: t.string({ minLength: 1, description: 'What it does, for people; unique on the host.' }),
  script: t.opaque<Script>({ description: 'Shell text, safe to repeat.' }),
  creates: t.optional(t.path({ description: 'Done when this exists.' })),
  unless: t.optional(t.opaque<Script>({ description: 'Done when this ends with 0. It must only read.' })),
  onlyIf: t.optional(t.opaque<Script>({ description: 'Done unless this ends with 0. It must only read.' })),
  risk: t.enum(RISKS, { description: 'What the script may do to those who use the host.' }),
});

type Desired = Static<typeof schema>;

/** Says when the command is done: exactly one of the three. */
type Guard =
  | { readonly creates: string; readonly unless?: never; readonly onlyIf?: never }
  | { readonly creates?: never; readonly unless: Script; readonly onlyIf?: never }
  | { readonly creates?: never; readonly unless?: never; readonly onlyIf: Script };

type ExecInput = Guard & { readonly name: string; readonly script: Script; readonly risk?: Risk };

/** Exit statuses of a shell that found no command, or none that it may run. */
const NO_COMMAND = [126, 127];

/** The guard in a shell of its own, so that nothing it sets or closes reaches the probe. */
function look({ creates, unless, onlyIf }: Desired): Script {
  if (creates !== undefined) return sh`r=1; if [ -e ${creates} ] || [ -L ${creates} ]; then r=0; fi`;
  const guard = unless ?? onlyIf ?? sh`false`;
  return sh`r=0
(
${guard}
) >/dev/null 2>&1 3>&- </dev/null || r=$?`;
}

function refuse({ script, creates, unless, onlyIf }: Desired): Refusal | undefined {
  if (!(script instanceof Script)) return { field: 'script', detail: 'must be a script, as the tag sh makes it' };
  const guards = [creates, unless, onlyIf].filter((one) => one !== undefined);
  if (guards.length !== 1) return { field: 'script', detail: 'needs exactly one of creates, unless and onlyIf' };
  for (const [field, guard] of Object.entries({ unless, onlyIf }))
    if (guard !== undefined && !(guard instanceof Script))
      return { field, detail: 'must be a script, as the tag sh makes it' };
  if ([script, unless, onlyIf].some((one) => one !== undefined && holdsSecret(one.text)))
    return { field: 'script', detail: 'holds a secret: let it read that from a file' };
  return undefined;
}

const define = defineResource({
  type: 'exec',
  desired: schema,
  defaults: { risk: 'none' as Risk },
  id: ({ name }) => name,
  // A guard may do anything and take its time; whether something is there can be asked among others.
  probesTogether: true,
  probesApart: ({ creates }) => creates === undefined,
  probe: (all) =>
    probeTogether(
      all.map(
        (desired) => sh`${look(desired)}
field status $r`,
      ),
      [],
    ),
  parse: (record, desired) => {
    const status = Number(record.text('status'));
    if (NO_COMMAND.includes(status)) return unknown(`a command of its guard is missing (status ${status})`);
    return (status === 0) === (desired.onlyIf === undefined) ? known({ isDone: true }) : absent;
  },
  diff: ({ script, risk }, observed: { readonly isDone: boolean } | undefined) =>
    observed === undefined
      ? {
          action: 'create',
          fields: [{ name: 'runs', from: undefined, to: maskText(script.text.trim()) }],
          texts: [],
          risk,
          notes: [],
        }
      : undefined,
  apply: ({ script }) => ({ script }),
  // What a command did is not undone: it is only forgotten.
  remove: () => ({ kind: 'gone' }),
  refuse,
});

/**
 * The way out where no resource type fits: a script, and a guard that says when it is done. After it has run the guard
 * must say so. That the guard only reads is its author's promise.
 */
export const exec: ((desired: ExecInput) => Resource) & { readonly type: typeof define.type } = define;
