import { defineResource, difference, type Field, joinScripts, known, Script, sh, t } from 'farmctl';

interface UnitState {
  readonly masked: boolean;
  readonly activeState: string;
}

const pathOf = (unit: string) => `/etc/systemd/system/${unit}`;
const reload = sh`{ [ ! -d /run/systemd/system ] || systemctl daemon-reload || exit 1; }`;

/**
 * A unit that others would start and that must not run: it is masked, even before its package is there, and stopped.
 * Disabling is not enough for a unit that another one wants.
 */
export const maskedUnit = defineResource({
  type: 'masked-unit',
  desired: t.object({
    unit: t.string({ pattern: '^[A-Za-z0-9_@.-]+\\.(service|socket|target)$', description: 'Name with its ending.' }),
  }),
  id: ({ unit }) => unit,
  probesTogether: true,
  probe: (all) =>
    joinScripts([
      new Script('tell() {'),
      sh`record "$1"
[ "$(readlink -- "$2")" != /dev/null ] || field masked yes
field active "$(systemctl is-active -- "$3")"
end_record
}`,
      ...all.map(({ unit }, index) => sh`tell ${index} ${pathOf(unit)} ${unit}`),
    ]),
  parse: (record) => known<UnitState>({ masked: record.has('masked'), activeState: record.text('active').trim() }),
  diff(_desired, state: UnitState | undefined) {
    const runs = state !== undefined && !['inactive', 'failed', 'unknown', ''].includes(state.activeState);
    const fields: Field[] = [{ name: 'masked', from: state?.masked === true ? 'yes' : 'no', to: 'yes' }];
    if (runs) fields.push({ name: 'process', from: state.activeState, to: 'inactive' });
    return difference('update', fields, { risk: runs ? 'outage' : 'none' });
  },
  apply: ({ unit }) => ({
    files: [{ kind: 'symlink', path: pathOf(unit), target: '/dev/null' }],
    // All links of a group are made first: then one reading of the units is enough.
    script: sh`[ "$(systemctl show -p LoadState --value -- ${unit} 2>/dev/null)" = masked ] || ${reload}
timeout -k 5 90 systemctl stop -- ${unit} 2>/dev/null
! systemctl is-active -q -- ${unit} || { printf '%s still runs\n' ${unit} >&2; exit 1; }
systemctl reset-failed -- ${unit} 2>/dev/null || :`,
  }),
  remove({ unit }, state) {
    if (state?.masked !== true) return { kind: 'gone' };
    const fields = [{ name: 'masked', from: 'yes', to: 'no' }];
    return {
      kind: 'remove',
      difference: { action: 'delete', fields, texts: [], risk: 'none', notes: ['It is not started by that.'] },
      effect: { files: [{ kind: 'restore', path: pathOf(unit) }], script: reload },
    };
  },
  paths: ({ unit }) => [pathOf(unit)],
});
