import { t } from '../../model/schema.ts';
import { difference } from '../change.ts';
import { defineResource } from '../define.ts';
import { fileRemoval, replaceable, symlinkFields } from './file-state.ts';
import { probePaths, readPath } from './path-probe.ts';

/**
 * A symbolic link, made and replaced atomically; its target need not exist and is compared as text. A regular file at
 * the path is replaced. Not managed: the owner of the link.
 */
export const symlink = defineResource({
  type: 'symlink',
  filesOnly: true,
  desired: t.object({
    path: t.path({ description: 'Where the link lies.' }),
    target: t.string({
      pattern: '^[^\\u0000]+$',
      title: 'a text that is not empty',
      description: 'What it points to, absolute or as seen from the link.',
    }),
  }),
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) => probePaths(all.map(({ path }) => ({ targets: [{ path }] }))),
  parse: (record) => replaceable(readPath(record)),
  diff: ({ target }, observed) =>
    difference(observed === undefined ? 'create' : 'update', symlinkFields(target, observed)),
  apply: ({ path, target }) => ({ files: [{ kind: 'symlink', path, target }] }),
  remove: ({ path }, observed) => fileRemoval(path, observed),
  paths: ({ path }) => [path],
});
