import { t } from '../../model/schema.ts';
import { difference } from '../change.ts';
import { defineResource } from '../define.ts';
import { fileChange, fileOperation, fileRemoval, fileTarget, ROOT, replaceable } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

/**
 * A regular file, made and replaced atomically. A symlink at the path is replaced, never followed. A directory, device,
 * fifo or socket there is left alone and makes the resource unknown. Not managed: ACLs, extended attributes, times.
 */
export const file = defineResource({
  type: 'file',
  filesOnly: true,
  desired: t.object({
    path: t.path({ description: 'Where it lies.' }),
    content: t.content({ description: 'What it holds: text(), bytes() or render().' }),
    mode: t.mode({ description: 'Octal permissions, with set-user-ID and the like in front.' }),
    owner: t.string({ minLength: 1, description: 'Name or number.' }),
    group: t.string({ minLength: 1, description: 'Name or number.' }),
  }),
  defaults: { mode: '0644', ...ROOT },
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) => probePaths(all.map((desired) => ({ targets: [fileTarget(desired)] }))),
  parse: (record) => replaceable(readPath(record)),
  diff: (desired, observed: PathState | undefined) => {
    const { fields, texts } = fileChange(desired, observed);
    return difference(observed === undefined ? 'create' : 'update', fields, { texts });
  },
  apply: (desired) => ({ files: [fileOperation(desired)] }),
  remove: ({ path }, observed) => fileRemoval(path, observed),
  paths: ({ path }) => [path],
});
