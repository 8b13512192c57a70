import { sha256 } from '../../lib/digest.ts';
import { joinScripts, Script, sh } from '../../remote/sh.ts';
import type { ProcessAction, Transaction } from '../../remote/transaction.ts';
import { difference, type Field, graver, type Risk } from '../change.ts';
import { absent, defineResource, type Effect, known, type Member, unknown } from '../define.ts';
import { type Decision, decide } from '../service-decision.ts';
import { refuseService, serviceSchema } from '../service-schema.ts';
import { type ServiceDesired, setPaths, UNITS, wantedContents } from '../service-set.ts';
import { isActive, isSameButForUnits, parseServiceState, type ServiceState } from '../service-state.ts';
import { probePaths } from './path-probe.ts';

const SHOWN = 'LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload,ActiveEnterTimestamp';

/** Fields of a member, each with the member's name before it. */
function named(title: string, fields: readonly Field[]): readonly Field[] {
  return fields.map((field) => ({ ...field, name: `${title} ${field.name}` }));
}

const WANTED: Readonly<Record<string, string>> = { true: 'active', false: 'inactive', 'with-vip': 'where the VIP is' };

const PROCESS_RISK: Record<ProcessAction, Risk> = {
  none: 'none',
  reload: 'reload',
  restart: 'restart',
  start: 'none',
  stop: 'outage',
};

function processField(decision: Decision, observed: ServiceState | undefined): Field | undefined {
  const from = observed === undefined ? 'not installed' : observed.activeState;
  switch (decision.process) {
    case 'none':
      return undefined;
    case 'start':
      return { name: 'process', from, to: 'active' };
    case 'stop':
      return { name: 'process', from, to: 'inactive' };
    case 'reload':
    case 'restart': {
      const onOld = decision.owes !== 'nothing' || observed?.interrupted === true;
      return { name: 'process', from: onOld ? 'runs on older files' : 'running', to: `${decision.process}ed` };
    }
  }
}

function diff(desired: ServiceDesired, observed: ServiceState | undefined, members: readonly Member[]) {
  const decision = decide(desired, observed, members);
  const fields: Field[] = [];
  const process = processField(decision, observed);
  for (const { title, differs } of decision.memberDifferences) fields.push(...named(title, differs.fields));
  if (decision.unmask) fields.push({ name: 'masked', from: 'yes', to: 'no' });
  if (decision.enable !== undefined)
    fields.push({
      name: 'enabled',
      from: observed?.unitFileState || 'no',
      to: desired.enabled ? 'enabled' : 'disabled',
    });
  if (observed?.needDaemonReload === true) fields.push({ name: 'unit', from: 'changed on disk', to: 'loaded' });
  if (observed?.interrupted === true) fields.push({ name: 'transaction', from: 'interrupted', to: 'finished' });
  if (process !== undefined) fields.push(process);
  return difference(observed === undefined ? 'create' : 'update', fields, {
    texts: decision.memberDifferences.flatMap((one) => one.differs.texts),
    risk: graver(PROCESS_RISK[decision.process], PROCESS_RISK[decision.processWithVip]),
    notes: [...decision.reasons, ...decision.memberDifferences.flatMap((one) => one.differs.notes)],
  });
}

function isEnabled(observed: ServiceState | undefined): boolean {
  return observed?.unitFileState.startsWith('enabled') ?? false;
}

function apply(desired: ServiceDesired, observed: ServiceState | undefined, members: readonly Member[]): Effect {
  const decision = decide(desired, observed, members);
  const { unit } = desired;
  const wasActive = observed !== undefined && isActive(observed);
  const contents = [...wantedContents(desired)].sort();
  const transaction: Transaction = {
    unit,
    operations: decision.operations,
    validate: desired.validate,
    checkers: desired.checkers ?? [],
    process: decision.process,
    reload: desired.reload instanceof Script ? desired.reload : sh`systemctl reload -- ${unit}`,
    verify: desired.verify,
    enable: decision.enable,
    unmask: decision.unmask,
    wasActive,
    wasEnabled: isEnabled(observed),
    daemonReload: decision.daemonReload,
    stamp: { reload: sha256(JSON.stringify(contents)), restart: decision.restartDigest, paths: setPaths(desired) },
    found: wasActive
      ? {
          reload: 'found',
          restart: decision.foundRestartDigest,
          isLoaded: decision.owes === 'nothing',
          invocation: observed.invocation,
        }
      : undefined,
    interrupted: observed?.interrupted ?? false,
  };
  return { transaction };
}

function remove(desired: ServiceDesired, observed: ServiceState | undefined, members: readonly Member[]) {
  const gone = members.flatMap(({ resource, observed: seen }) => {
    const removal = resource.type.remove(resource.desired, seen.state === 'known' ? seen.value : undefined, []);
    if (removal.kind !== 'remove') return [];
    const title = resource.type.title?.(resource.desired) ?? resource.id;
    return [{ ...removal, fields: named(title, removal.difference.fields) }];
  });
  const { unit } = desired;
  const wasActive = observed !== undefined && isActive(observed);
  const masked = observed?.loadState === 'masked';
  const wasEnabled = isEnabled(observed);
  const before = observed?.before ?? { active: false, enabled: false };
  const files = gone.flatMap((one) => one.effect.files ?? []);
  const restarts = wasActive && before.active && files.length > 0;
  const changed = difference(
    'delete',
    [
      {
        name: 'process',
        from: wasActive ? observed.activeState : 'inactive',
        to: restarts ? 'restarted on what was there before' : before.active ? 'active' : 'inactive',
      },
      { name: 'masked', from: masked ? 'yes' : 'no', to: 'no' },
      { name: 'enabled', from: wasEnabled ? 'enabled' : 'disabled', to: before.enabled ? 'enabled' : 'disabled' },
      ...gone.flatMap((one) => one.fields),
    ],
    {
      risk: wasActive && !before.active ? 'outage' : restarts ? 'restart' : 'none',
      texts: gone.flatMap((one) => one.difference.texts),
    },
  );
  if (changed === undefined) return { kind: 'gone' as const };
  const stops = restarts || !before.active ? [sh`systemctl -q stop -- ${unit}`] : [];
  const disables = before.enabled ? [] : [sh`systemctl -q disable -- ${unit}`];
  const leave = [...stops, ...disables].map((one) => sh`timeout -k 5 100 ${one} || exit 1`);
  const enables = before.enabled && !wasEnabled ? [sh`systemctl -q enable -- ${unit}`] : [];
  const starts = before.active ? [sh`systemctl start -- ${unit}`] : [];
  const give = [...enables, ...starts].map((one) => sh`timeout -k 5 100 ${one} || exit 1`);
  const ifThere = (scripts: readonly Script[]) =>
    scripts.length === 0
      ? sh`:`
      : sh`if systemctl cat -- ${unit} >/dev/null 2>&1; then
${joinScripts(scripts)}
fi`;
  return {
    kind: 'remove' as const,
    difference: changed,
    effect: {
      before: sh`${ifThere(leave)}
[ "$(readlink -- /etc/systemd/system/${unit})" != /dev/null ] || systemctl -q unmask -- ${unit} || exit 1`,
      files,
      script: sh`systemctl daemon-reload
${ifThere(give)}
rm -rf -- "$S"/services/${unit}`,
    },
  };
}

/** What systemd says of the units, by one question: `shown_0`, `shown_1`… */
function showUnits(all: readonly ServiceDesired[]): Script {
  return sh`n=0 shown= unit_newline='
'
while IFS= read -r line; do
  if [ -z "$line" ]; then eval "shown_$n=\$shown"; n=$((n + 1)) shown=; else shown="$shown$line
"; fi
done <<X
$(systemctl show --timestamp=us+utc -p ${SHOWN} -- ${all.map((one) => one.unit)} 2>/dev/null)

X`;
}

/** A stamp is a few lines: the shell's own `read` is cheaper than a process. */
function tellService(desired: ServiceDesired, index: number): Script {
  return sh`field show "$shown_${index}"
D=/var/lib/farmctl/services/${desired.unit}
{ [ ! -e "$D"/journal ] && [ ! -e "$D"/journal.done ]; } || field journal yes
[ ! -e /usr/lib/systemd/system/${desired.unit} ] && [ ! -e /lib/systemd/system/${desired.unit} ] || field packaged yes
if [ -e "$D"/stamp ]; then
  stamp=
  while IFS= read -r line; do stamp=$stamp$line$unit_newline; done <"$D"/stamp
  field stamp "$stamp"
fi
[ ! -e "$D"/before ] || { IFS= read -r line <"$D"/before && field before "$line"; }
field inodes "$inodes"`;
}

/** A systemd unit and its configuration. See ServiceDesired; the transaction is in src/remote/transaction.ts. */
export const service = defineResource({
  type: 'service',
  desired: serviceSchema,
  refuse: refuseService,
  id: (desired) => desired.unit,
  members: (desired) => desired.config,
  probesTogether: true,
  probe: (all) =>
    probePaths(
      all.map((desired, index) => ({
        targets: setPaths(desired).map((path) => ({ path })),
        asksInodes: true,
        further: tellService(desired, index),
      })),
      [showUnits(all)],
    ),
  parse(record, desired) {
    const state = parseServiceState(record);
    if (state.loadState === '') return unknown('systemctl show said nothing: is systemd running on this host?');
    const isOwnUnit = setPaths(desired).includes(`${UNITS}${desired.unit}`);
    // A mask hides whether there is a unit behind it. An empty unit file is masked as well, and is the set's own.
    const isHollow = state.loadState === 'masked' && !record.has('packaged') && !isOwnUnit;
    // A unit whose file was lost while it runs is not found either.
    if ((state.loadState !== 'not-found' || isActive(state)) && !isHollow) return known(state);
    if (isOwnUnit) return absent;
    const { unit } = desired;
    return {
      ...unknown(`there is no unit ${unit}`),
      elseAsDesired: !desired.enabled && !desired.active,
      removable: { value: isHollow ? state : undefined },
    };
  },
  diff,
  apply,
  remove,
  whole(desired) {
    const members = desired.config.map(({ type, desired: inner, id }) => ({
      title: type.title?.(inner) ?? id,
      differs: type.whole(inner),
    }));
    const fields = members.flatMap(({ title, differs }) => named(title, differs.fields));
    const state = [
      { name: 'enabled', from: undefined, to: desired.enabled ? 'enabled' : 'disabled' },
      { name: 'process', from: 'not installed', to: WANTED[String(desired.active)] },
    ];
    return {
      action: 'create',
      fields: [...fields, ...state],
      texts: members.flatMap((one) => one.differs.texts),
      risk: 'none',
      notes: [],
    };
  },
  prepare: ({ unit }) => ({
    script: sh`systemctl cat -- ${unit} >/dev/null 2>&1 || systemctl -q mask -- ${unit}`,
    note: 'Masked until its configuration is there.',
  }),
  paths: setPaths,
  // An earlier step that wrote a unit let systemd read all of them again, and a VIP may move at any time.
  covers: ({ active }, planned, found) =>
    planned !== undefined && found !== undefined && isSameButForUnits(planned, found, active === 'with-vip'),
});
