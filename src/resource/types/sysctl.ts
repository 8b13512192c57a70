import { Content } from '../../model/content.ts';
import { t } from '../../model/schema.ts';
import { Script, sh } from '../../remote/sh.ts';
import { difference } from '../change.ts';
import { defineResource, known, unknown } from '../define.ts';
import { deletion, fileChange, fileOperation, fileTarget, ROOT, replaceable, type WantedFile } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

interface SysctlState {
  readonly live: string;
  readonly file: PathState | undefined;
}

interface Setting {
  readonly key: string;
  readonly value: string;
}

/** As sysctl reads a key: whichever of `.` and `/` comes first separates, and the other one is part of a name. */
function kernelPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  const swapped = first === '/' ? key : key.replace(/[./]/g, (one) => (one === '.' ? '/' : '.'));
  return `/proc/sys/${swapped}`;
}

/** The kernel prints tabs between numbers and takes blanks. */
function folded(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

function settingsFile({ key, value }: Setting): WantedFile {
  const path = `/etc/sysctl.d/60-farmctl-${key.replaceAll('/', '.')}.conf`;
  return { path, content: Content.text(`${key} = ${folded(value)}\n`), mode: '0644', ...ROOT };
}

/** All values by one grep: a shell's own `read` takes single bytes, of which the kernel answers the first only. */
function readAll(paths: readonly string[]): Script {
  return sh`settings=$(grep -s '' /dev/null ${paths})`;
}

function tellLive(path: string): Script {
  return sh`if [ -e ${path} ]; then
  value=''
  IFS='
'
  set -f
  for line in $settings; do
    case $line in ${path}:*) value="$value ${new Script('${line#*:}')}" ;; esac
  done
  set +f
  unset IFS
  field live "$value"
fi`;
}

/**
 * A kernel setting, live and after the next boot (`/etc/sysctl.d/60-farmctl-KEY.conf`). Values are compared as the
 * kernel prints them, with blanks folded: write them as it prints them, or they never come to rest. A file that sorts
 * later may win at boot.
 */
export const sysctl = defineResource({
  type: 'sysctl',
  desired: t.object({
    key: t.string({
      pattern: '^[A-Za-z0-9_-]+([./][A-Za-z0-9_:@-]+)+$',
      title: 'a key such as "net.core.somaxconn"',
      description: '`net.core.somaxconn`.',
    }),
    value: t.string({
      pattern: '^[^\\n\\u0000]*[^\\s\\u0000][^\\n\\u0000]*$',
      title: 'one line that is not empty',
      description: 'As the kernel prints it.',
    }),
  }),
  id: ({ key }) => key,
  probesTogether: true,
  probe: (all) =>
    probePaths(
      all.map((desired) => ({
        targets: [fileTarget(settingsFile(desired))],
        further: tellLive(kernelPath(desired.key)),
      })),
      [readAll(all.map(({ key }) => kernelPath(key)))],
    ),
  parse: (record, { key }) => {
    if (!record.has('live')) return unknown(`the kernel has no setting ${key}`);
    const file = replaceable(readPath(record));
    if (file.state === 'unknown') return file;
    return known<SysctlState>({
      live: folded(record.text('live')),
      file: file.state === 'known' ? file.value : undefined,
    });
  },
  diff: (desired, observed: SysctlState | undefined) => {
    const { fields, texts } = fileChange(settingsFile(desired), observed?.file);
    const named = fields.map((field) => ({ ...field, name: `file ${field.name}` }));
    const live = { name: 'live', from: observed?.live, to: folded(desired.value) };
    return difference(observed?.file === undefined ? 'create' : 'update', [live, ...named], { texts });
  },
  apply: (desired, observed) => {
    const wanted = settingsFile(desired);
    const { fields, texts } = fileChange(wanted, observed?.file);
    const differs = texts.length > 0 || fields.some((field) => field.from !== field.to);
    const value = folded(desired.value);
    return {
      ...(differs ? { files: [fileOperation(wanted)] } : {}),
      ...(observed?.live === value ? {} : { script: sh`printf '%s\n' ${value} >${kernelPath(desired.key)}` }),
    };
  },
  remove: (desired, observed) => {
    if (observed?.file === undefined) return { kind: 'gone' };
    const note = `The value ${observed.live} stays in force until the next boot.`;
    const { path } = settingsFile({ ...desired });
    return { kind: 'remove', difference: deletion('setting', [note]), effect: { files: [{ kind: 'restore', path }] } };
  },
  paths: (desired) => [settingsFile(desired).path],
});
