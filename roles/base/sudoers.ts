import { defineResource, difference, joinScripts, known, notThere, sh, t } from 'farmctl';

interface SudoersState {
  /** Owner, group and mode as `root:root 0440`; of a regular file only. */
  readonly access: string;
  readonly content: string;
}

const ACCESS = 'root:root 0440';

/**
 * A file in /etc/sudoers.d that sudo's own checker has read before it takes its place: one mistake in such a file and
 * nobody becomes root any more. Its name has no dot, since sudo passes over those that have one.
 */
export const sudoers = defineResource({
  type: 'sudoers',
  desired: t.object({
    name: t.string({ pattern: '^[A-Za-z0-9_-]+$', description: 'Name of the file in /etc/sudoers.d.' }),
    rules: t.string({ pattern: '\\n$', description: 'What it holds.' }),
  }),
  id: ({ name }) => name,
  probe: (all) =>
    joinScripts(
      all.map(
        ({ name }, index) => sh`record ${index}
p=${pathOf(name)}
if [ -e "$p" ] || [ -L "$p" ]; then
  field access "$(stat -c '%F %U:%G %04a' -- "$p")"
  [ ! -f "$p" ] || [ -L "$p" ] || head -c 65536 -- "$p" | data content
fi
end_record`,
      ),
    ),
  parse: (record) =>
    record.has('access')
      ? known({ access: record.text('access').replace(/^regular (empty )?file /, ''), content: record.text('content') })
      : notThere,
  diff({ name, rules }, state: SudoersState | undefined) {
    const text = { path: pathOf(name), before: state?.content, after: rules, sensitive: false };
    return difference(
      state === undefined ? 'create' : 'update',
      [{ name: 'access', from: state?.access, to: ACCESS }],
      state?.content === rules ? {} : { texts: [text] },
    );
  },
  apply: ({ name, rules }) => ({
    script: sh`p=${pathOf(name)} n=${pathOf(`.farmctl-new.${name}`)}
rm -f -- "$n"
( umask 0337; printf %s ${rules} >"$n" ) && chown root:root -- "$n" && chmod 0440 -- "$n" || exit 1
if visudo -cqf "$n" && visudo -cf "$n" >&2; then
  sync -- "$n" && mv -fT -- "$n" "$p" && sync -- /etc/sudoers.d
else
  rm -f -- "$n"
  exit 1
fi`,
  }),
  remove({ name }, state) {
    if (state === undefined) return { kind: 'gone' };
    const fields = [{ name: 'access', from: state.access, to: undefined }];
    return {
      kind: 'remove',
      difference: { action: 'delete', fields, texts: [], risk: 'none', notes: [] },
      effect: { script: sh`rm -f -- ${pathOf(name)} && sync -- /etc/sudoers.d` },
    };
  },
  paths: ({ name }) => [pathOf(name)],
});

function pathOf(name: string): string {
  return `/etc/sudoers.d/${name}`;
}
