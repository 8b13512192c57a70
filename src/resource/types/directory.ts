import { sha256 } from '../../lib/digest.ts';
import { t } from '../../model/schema.ts';
import { STATE_DIRECTORY } from '../../remote/runtime.ts';
import { sh } from '../../remote/sh.ts';
import { difference } from '../change.ts';
import { absent, defineResource, known, unknown } from '../define.ts';
import { deletion, ownershipFields, ROOT } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

interface DirectoryState {
  readonly state: PathState;
  /** True: farmctl made it, so it may take it away. */
  readonly isOurs: boolean;
}

/** Where the host remembers that a directory was made by farmctl (see `parents` in src/remote/state-functions.ts). */
function marker(path: string): string {
  return `${STATE_DIRECTORY}/directories/${sha256(path).slice(0, 32)}`;
}

/**
 * A directory with its mode and owners. What lies in it is not managed (see ownedDirectory). Anything else at the path,
 * a symlink to a directory too, makes the resource unknown. Removed only if farmctl made it and it is empty.
 */
export const directory = defineResource({
  type: 'directory',
  desired: t.object({
    path: t.path({ description: 'Where it is.' }),
    mode: t.mode({ description: 'Octal permissions.' }),
    owner: t.string({ minLength: 1, description: 'Name or number.' }),
    group: t.string({ minLength: 1, description: 'Name or number.' }),
  }),
  defaults: { mode: '0755', ...ROOT },
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) =>
    probePaths(
      all.map(({ path }) => ({ targets: [{ path }], further: sh`[ ! -e ${marker(path)} ] || field ours yes` })),
    ),
  parse: (record) => {
    const state = readPath(record);
    if (state === undefined) return absent;
    if (state.kind === 'directory') return known<DirectoryState>({ state, isOurs: record.has('ours') });
    return unknown(`there is a ${state.kind} at this path, where a directory shall be`);
  },
  diff: (desired, observed: DirectoryState | undefined) =>
    difference(observed === undefined ? 'create' : 'update', ownershipFields(desired, observed?.state)),
  apply: ({ path, mode, owner, group }) => ({
    files: [{ kind: 'directory', path, mode: mode.padStart(4, '0'), owner, group }],
  }),
  remove: ({ path }, observed) => {
    if (observed === undefined) return { kind: 'gone' };
    if (!observed.isOurs) return { kind: 'stays', reason: 'The directory was there before farmctl.' };
    return {
      kind: 'remove',
      difference: deletion('directory', ['It stays if something lies in it.']),
      effect: {
        script: sh`{ [ ! -d ${path} ] || rmdir --ignore-fail-on-non-empty -- ${path}; } && rm -f -- ${marker(path)}`,
      },
    };
  },
  paths: ({ path }) => [path],
});
