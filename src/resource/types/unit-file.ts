import { t } from '../../model/schema.ts';
import { sh } from '../../remote/sh.ts';
import { difference } from '../change.ts';
import { defineResource, type Removal } from '../define.ts';
import {
  fileChange,
  fileOperation,
  fileRemoval,
  fileTarget,
  ROOT,
  replaceable,
  type WantedFile,
} from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

const UNITS = '/etc/systemd/system';
const UNIT = '^[A-Za-z0-9:_.@\\\\-]+\\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$';

/** Where systemd runs it must read its units again. A service does that in its own transaction. */
const reload = sh`[ ! -d /run/systemd/system ] || systemctl daemon-reload`;

interface Unit {
  readonly unit: string;
  readonly content: WantedFile['content'];
}

function unitWanted({ unit, content }: Unit): WantedFile {
  return { path: `${UNITS}/${unit}`, content, mode: '0644', ...ROOT };
}

function dropInWanted({ unit, name, content }: Unit & { readonly name: string }): WantedFile {
  return { path: `${UNITS}/${unit}.d/${name}.conf`, content, mode: '0644', ...ROOT };
}

function change(wanted: WantedFile, observed: PathState | undefined) {
  const { fields, texts } = fileChange(wanted, observed);
  return difference(observed === undefined ? 'create' : 'update', fields, { texts });
}

function removal(path: string, observed: PathState | undefined): Removal {
  const removed = fileRemoval(path, observed);
  return removed.kind === 'remove' ? { ...removed, effect: { ...removed.effect, script: reload } } : removed;
}

const unit = t.string({
  pattern: UNIT,
  title: 'the name of a unit with its ending, such as "x.service"',
  description: 'Name of the unit with its ending.',
});

/** A unit of the administrator's own, in /etc/systemd/system. Enabling and starting it is the matter of a service. */
export const unitFile = defineResource({
  type: 'unitFile',
  filesOnly: true,
  desired: t.object({ unit, content: t.content({ description: 'The whole unit.' }) }),
  id: (desired) => desired.unit,
  probesTogether: true,
  probe: (all) => probePaths(all.map((desired) => ({ targets: [fileTarget(unitWanted(desired))] }))),
  parse: (record) => replaceable(readPath(record)),
  diff: (desired, observed: PathState | undefined) => change(unitWanted(desired), observed),
  apply: (desired) => ({ files: [fileOperation(unitWanted(desired))], script: reload }),
  remove: (desired, observed) => removal(unitWanted(desired).path, observed),
  paths: (desired) => [unitWanted(desired).path],
});

/** A drop-in of a unit that others bring: `/etc/systemd/system/UNIT.d/NAME.conf`. */
export const dropIn = defineResource({
  type: 'dropIn',
  filesOnly: true,
  desired: t.object({
    unit,
    name: t.string({
      pattern: '^[A-Za-z0-9_.-]+$',
      title: 'a word of letters, digits and ._-',
      description: 'Name of the file without its ending.',
    }),
    content: t.content({ description: 'Sections and settings that are added or replaced.' }),
  }),
  defaults: { name: 'farmctl' },
  id: ({ unit: of, name }) => `${of} ${name}`,
  probesTogether: true,
  probe: (all) => probePaths(all.map((desired) => ({ targets: [fileTarget(dropInWanted(desired))] }))),
  parse: (record) => replaceable(readPath(record)),
  diff: (desired, observed: PathState | undefined) => change(dropInWanted(desired), observed),
  apply: (desired) => ({ files: [fileOperation(dropInWanted(desired))], script: reload }),
  remove: (desired, observed) => removal(dropInWanted(desired).path, observed),
  paths: (desired) => [dropInWanted(desired).path],
});
