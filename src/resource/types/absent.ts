import { t } from '../../model/schema.ts';
import { sh } from '../../remote/sh.ts';
import { defineResource, known, absent as nothing, type Observed, unknown } from '../define.ts';
import { deletion } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

const emptiness = sh`for f in "$p"/* "$p"/.[!.]* "$p"/..?*; do
  if [ -e "$f" ] || [ -L "$f" ]; then
    field filled yes
    break
  fi
done`;

function observe(state: PathState | undefined, isFilled: boolean): Observed<PathState> {
  if (state === undefined) return nothing;
  if (state.kind !== 'directory') return known(state);
  return isFilled
    ? unknown('there is a directory at this path, and it is not empty: farmctl does not empty it')
    : known(state);
}

/**
 * Nothing at this path: a file, symlink or empty directory goes; a directory that is not empty is left and makes the
 * resource unknown. What was there is kept aside (an empty directory is not) and comes back when no role wants this any
 * more. Inside a service's configuration only files and symlinks can go.
 */
export const absent = defineResource({
  type: 'absent',
  filesOnly: true,
  desired: t.object({ path: t.path({ description: 'Where nothing shall be.' }) }),
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) =>
    probePaths(
      all.map(({ path }) => ({
        targets: [{ path }],
        further: sh`p=${path}
if [ -d "$p" ] && [ ! -L "$p" ]; then
${emptiness}
fi`,
      })),
    ),
  parse: (record) => observe(readPath(record), record.has('filled')),
  diff: (_, observed: PathState | undefined) => (observed === undefined ? undefined : deletion(observed.kind)),
  apply: ({ path }, observed) =>
    observed?.kind === 'directory'
      ? { script: sh`[ ! -d ${path} ] || rmdir -- ${path}` }
      : { files: [{ kind: 'absent', path }] },
  remove: ({ path }, observed) =>
    observed === undefined
      ? {
          kind: 'remove',
          difference: {
            action: 'update',
            fields: [{ name: 'kind', from: 'absent', to: 'as before farmctl' }],
            texts: [],
            risk: 'none',
            notes: ['If farmctl took something away here, that comes back.'],
          },
          effect: { files: [{ kind: 'restore', path }] },
        }
      : { kind: 'gone' },
  whole: () => deletion('whatever is there'),
  paths: ({ path }) => [path],
});
