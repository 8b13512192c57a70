import { defineResource, joinScripts, notThere, sh, t, unknown } from 'farmctl';

/**
 * Refuses a path that is a symlink, because whoever made that writes the file behind it. It changes nothing: it stands
 * before the file that it guards.
 */
export const linkGuard = defineResource({
  type: 'link-guard',
  desired: t.object({
    path: t.path({ description: 'What must be no symlink.' }),
    advice: t.string({ description: 'What to do about one: a clause.' }),
  }),
  id: ({ path }) => path,
  probe: (all) =>
    joinScripts(
      all.map(
        ({ path }, index) => sh`record ${index}
[ ! -L ${path} ] || field target "$(readlink -- ${path})"
end_record`,
      ),
    ),
  parse: (record, { path, advice }) =>
    record.has('target') ? unknown(`${path} is a symlink to ${record.text('target')}: ${advice}`) : notThere,
  diff: () => undefined,
  apply: () => ({}),
  remove: () => ({ kind: 'gone' }),
  whole: ({ path }) => ({
    action: 'update',
    fields: [],
    texts: [],
    risk: 'none',
    notes: [`${path} must not be a symlink.`],
  }),
});
