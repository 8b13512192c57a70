import { t } from '../../model/schema.ts';
import { sh } from '../../remote/sh.ts';
import { difference } from '../change.ts';
import { absent, defineResource, known } from '../define.ts';
import { ACCOUNT_NAME, FIND_ENTRY, forgetOurs, makeOurs, tellOurs } from './account.ts';
import { deletion } from './file-state.ts';
import { probeTogether } from './path-probe.ts';

interface GroupState {
  readonly gid: string;
  /** True: farmctl made it, so it may take it away. */
  readonly isOurs: boolean;
}

/** A local group. Its members are the matter of the users. */
export const group = defineResource({
  type: 'group',
  desired: t.object({
    name: t.string({ ...ACCOUNT_NAME }),
    gid: t.optional(t.integer({ minimum: 1, maximum: 4294967293, description: 'Chosen by the host where absent.' })),
    system: t.boolean({ description: 'A new group takes its number from the range of system groups.' }),
  }),
  defaults: { system: false },
  id: ({ name }) => name,
  probesTogether: true,
  probe: (all) =>
    probeTogether(
      all.map(
        ({ name }) => sh`find_entry "$found_group" ${name}
[ -z "$number" ] || field gid "$number"
${tellOurs('group', name)}`,
      ),
      [FIND_ENTRY, sh`look_up group ${all.map((one) => one.name)}`],
    ),
  parse: (record) =>
    record.has('gid') ? known<GroupState>({ gid: record.text('gid'), isOurs: record.has('ours') }) : absent,
  diff: ({ name, gid }, observed: GroupState | undefined) => {
    if (observed === undefined)
      return difference('create', [{ name: 'gid', from: undefined, to: gid === undefined ? 'next free' : `${gid}` }]);
    if (gid === undefined) return undefined;
    return difference('update', [{ name: 'gid', from: observed.gid, to: `${gid}` }], {
      risk: 'restart',
      notes: [`Files that belong to number ${observed.gid} keep it, and so do running processes of ${name}.`],
    });
  },
  apply: ({ name, gid, system }, observed) => {
    if (observed !== undefined) return { script: sh`groupmod -g ${gid ?? observed.gid} -- ${name}` };
    const flags = [...(system ? ['-r'] : []), ...(gid === undefined ? [] : ['-g', gid])];
    return { script: makeOurs('group', name, sh`groupadd ${flags} -- ${name}`) };
  },
  remove: ({ name }, observed) => {
    if (observed === undefined) return { kind: 'gone' };
    if (!observed.isOurs) return { kind: 'stays', reason: 'The group was there before farmctl.' };
    const script = sh`{ ! getent group ${name} >/dev/null || groupdel -- ${name}; } && ${forgetOurs('group', name)}`;
    return { kind: 'remove', difference: deletion('group'), effect: { script } };
  },
});
