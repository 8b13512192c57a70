import { Content } from '../../model/content.ts';
import { t } from '../../model/schema.ts';
import { joinScripts, Script, sh } from '../../remote/sh.ts';
import { difference } from '../change.ts';
import { defineResource, known, unknown } from '../define.ts';
import { deletion, fileChange, fileOperation, fileTarget, ROOT, replaceable, type WantedFile } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

interface ModuleState {
  readonly isLoaded: boolean;
  readonly file: PathState | undefined;
}

function listFile(name: string): WantedFile {
  const path = `/etc/modules-load.d/farmctl-${name}.conf`;
  return { path, content: Content.text(`${name}\n`), mode: '0644', ...ROOT };
}

/** The kernel writes names with underscores, whatever the file is called. */
function kernelName(name: string): string {
  return name.replaceAll('-', '_');
}

/** Reads, once for all modules, which are built in and whether this host may load any (bit 16 is CAP_SYS_MODULE). */
const LOOK_ONCE = new Script(String.raw`capabilities=0
while read -r name value; do
  [ "$name" != CapEff: ] || capabilities=$((0x$value >> 16 & 1))
done </proc/self/status
builtin=
kernel=$(uname -r)
if [ -r "/lib/modules/$kernel/modules.builtin" ]; then builtin=$(cat "/lib/modules/$kernel/modules.builtin"); fi`);

function tell(name: string): Script {
  const loaded = kernelName(name);
  return sh`case "/sys/module/$builtin
" in
  */${name}.ko*|*/${loaded}.ko*) field loaded yes ;;
  *)
    if [ -d /sys/module/${loaded} ]; then field loaded yes
    elif ! command -v modprobe >/dev/null; then field missing 'modprobe (kmod) is not installed'
    elif [ "$capabilities" = 0 ]; then field missing 'it runs in a container, which cannot load one'
    elif ! modprobe -n -q -- ${name}; then field missing 'it has no such module'
    fi
    ;;
esac`;
}

/**
 * A module of the kernel, loaded now and at every boot (`/etc/modules-load.d/farmctl-NAME.conf`). One that is built in
 * counts as loaded. Unknown where the host cannot load it: without that module, without modprobe, in a container.
 */
export const kernelModule = defineResource({
  type: 'kernelModule',
  desired: t.object({
    name: t.string({
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]{0,54}$',
      title: 'the name of a module, such as "ip_vs"',
      description: '`ip_vs`.',
    }),
  }),
  id: ({ name }) => name,
  probesTogether: true,
  probe: (all) =>
    probePaths(
      all.map(({ name }) => ({ targets: [fileTarget(listFile(name))], further: tell(name) })),
      [joinScripts([LOOK_ONCE])],
    ),
  parse: (record, { name }) => {
    const file = replaceable(readPath(record));
    const state = file.state === 'known' ? file.value : undefined;
    if (record.has('missing'))
      return {
        ...unknown(`the kernel of this host cannot load ${name}: ${record.text('missing')}`),
        removable: { value: { isLoaded: false, file: state } },
      };
    if (file.state === 'unknown') return unknown(file.reason);
    return known<ModuleState>({ isLoaded: record.has('loaded'), file: state });
  },
  diff: ({ name }, observed: ModuleState | undefined) => {
    const { fields, texts } = fileChange(listFile(name), observed?.file);
    const loaded = { name: 'loaded', from: observed?.isLoaded === true ? 'yes' : 'no', to: 'yes' };
    const shown = fields.map((field) => ({ ...field, name: `file ${field.name}` }));
    return difference(observed?.file === undefined ? 'create' : 'update', [loaded, ...shown], { texts });
  },
  apply: ({ name }, observed) => {
    const wanted = listFile(name);
    const { fields, texts } = fileChange(wanted, observed?.file);
    const differs = texts.length > 0 || fields.some((field) => field.from !== field.to);
    return {
      ...(differs ? { files: [fileOperation(wanted)] } : {}),
      ...(observed?.isLoaded === true ? {} : { script: sh`modprobe -- ${name}` }),
    };
  },
  remove: ({ name }, observed) => {
    if (observed?.file === undefined) return { kind: 'gone' };
    const note = 'It stays loaded until the next boot.';
    return {
      kind: 'remove',
      difference: deletion('module', [note]),
      effect: { files: [{ kind: 'restore', path: listFile(name).path }] },
    };
  },
  paths: ({ name }) => [listFile(name).path],
});
