import { sha256 } from '../../lib/digest.ts';
import { t } from '../../model/schema.ts';
import { Script, sh } from '../../remote/sh.ts';
import type { ProcessAction, Transaction } from '../../remote/transaction.ts';
import { type Difference, difference, type Field, type FileOperation, type Risk } from '../change.ts';
import { absent, defineResource, type Effect, known, type Member, type Resource, unknown } from '../define.ts';
import { isActive, owed, parseServiceState, type ServiceState } from '../service-state.ts';

/** A unit with its configuration: one resource, one transaction on the host. */
export interface ServiceDesired {
  /** `named.service`. */
  readonly unit: string;
  readonly enabled: boolean;
  readonly active: boolean;
  /** Everything that the process reads at its start: files, symlinks, owned directories, drop-ins, keys. */
  readonly config: readonly Resource[];
  /** The service's own checker. It finds the new set at the real paths, with /run and /var/log as scratch. */
  readonly validate?: Script;
  /** Programs that `validate` needs, absolute paths: where one is missing the set is validated at apply only. */
  readonly checkers?: readonly string[];
  /** How a running process takes the new set; `systemctl reload` where absent. */
  readonly reload?: Script | 'restart';
  /**
   * What of the set a reload does not reach: a value made from the contents by path. A restart is owed when it
   * differs from that of the running process. Where absent, a reload is always enough.
   */
  readonly restartWhen?: (contents: ReadonlyMap<string, string>) => unknown;
  /** Proof that the process runs on the new set; `systemctl is-active` where absent. Exit status 0 is good. */
  readonly verify?: Script;
}

const UNITS = '/etc/systemd/system/';
const SHOWN = 'LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload,ActiveEnterTimestamp';
/** Unit file states in which `enable` has no meaning: something else decides. */
const FIXED_STATES = ['static', 'generated', 'indirect', 'alias', 'transient', 'linked'];

/**
 * The set's files in full, as if nothing were there: what the digests and the stamp's paths come from. Not its
 * directories: their change time moves with everything that is made and removed in them.
 */
function wholeSet(desired: ServiceDesired): readonly FileOperation[] {
  const all = desired.config.flatMap((member) => member.type.apply(member.desired, undefined, []).files ?? []);
  return all.filter((one) => one.kind !== 'directory');
}

function setPaths(desired: ServiceDesired): readonly string[] {
  const paths = desired.config.flatMap((member) => member.type.paths?.(member.desired) ?? []);
  return [...new Set([...wholeSet(desired).map((one) => one.path), ...paths])].sort();
}

function wantedContents(desired: ServiceDesired): ReadonlyMap<string, string> {
  const contents = new Map<string, string>();
  for (const one of wholeSet(desired)) {
    if (one.kind === 'file') contents.set(one.path, one.content.template ?? one.content.digest);
    if (one.kind === 'symlink') contents.set(one.path, `-> ${one.target}`);
  }
  return contents;
}

/** Units and drop-ins of the set always belong to what only a restart reaches. */
function restartProjection(desired: ServiceDesired, contents: ReadonlyMap<string, string>): string {
  const units = [...contents].filter(([path]) => path.startsWith(UNITS)).sort();
  return sha256(JSON.stringify([units, desired.restartWhen?.(contents) ?? null]));
}

interface MemberDifference {
  readonly title: string;
  readonly differs: Difference;
}

interface Decision {
  readonly operations: readonly FileOperation[];
  readonly memberDifferences: readonly MemberDifference[];
  readonly process: ProcessAction;
  readonly owes: 'nothing' | 'reload' | 'restart';
  readonly enable: boolean | undefined;
  readonly unmask: boolean;
  readonly daemonReload: boolean;
  readonly restartDigest: string;
  readonly foundRestartDigest: string;
  readonly reasons: readonly string[];
}

/** Contents as found: desired where equal, the old text where a member differs and its text is known. */
function foundContents(
  wanted: ReadonlyMap<string, string>,
  differences: readonly MemberDifference[],
): Map<string, string> {
  const found = new Map(wanted);
  for (const {
    differs: { texts, action },
  } of differences)
    for (const text of texts) {
      if (text.before !== undefined) found.set(text.path, text.before);
      else if (action === 'create') found.delete(text.path);
      else found.set(text.path, '(not known)');
    }
  return found;
}

function decide(desired: ServiceDesired, observed: ServiceState | undefined, members: readonly Member[]): Decision {
  const operations: FileOperation[] = [];
  const memberDifferences: MemberDifference[] = [];
  for (const { resource, observed: seen, unwanted } of members) {
    const value = seen.state === 'known' ? seen.value : undefined;
    const title = resource.type.title?.(resource.desired) ?? resource.id;
    if (unwanted) {
      const removal = resource.type.remove(resource.desired, value, []);
      if (removal.kind !== 'remove') continue;
      memberDifferences.push({ title, differs: removal.difference });
      for (const one of removal.effect.files ?? [])
        operations.push(one.kind === 'absent' ? { kind: 'restore', path: one.path } : one);
      continue;
    }
    const differs = resource.type.diff(resource.desired, value, []);
    if (differs === undefined) continue;
    memberDifferences.push({ title, differs });
    operations.push(...(resource.type.apply(resource.desired, value, []).files ?? []));
  }
  const wanted = wantedContents(desired);
  const restartDigest = restartProjection(desired, wanted);
  const foundRestartDigest = restartProjection(desired, foundContents(wanted, memberDifferences));
  const changed = operations.length > 0;
  const active = observed !== undefined && isActive(observed);
  const owes = observed === undefined ? 'nothing' : owed(observed, foundRestartDigest);
  const interrupted = observed?.interrupted ?? false;
  const daemonReload =
    (observed?.needDaemonReload ?? false) || operations.some((operation) => operation.path.startsWith(UNITS));
  const reasons: string[] = [];
  let process: ProcessAction = 'none';
  if (desired.active && !active) process = 'start';
  else if (!desired.active && active) process = 'stop';
  else if (active && (changed || owes !== 'nothing' || interrupted || observed?.needDaemonReload === true)) {
    const running = observed?.stamp?.restart ?? foundRestartDigest;
    const projectionDiffers = running !== restartDigest;
    process = desired.reload === 'restart' || owes === 'restart' || projectionDiffers ? 'restart' : 'reload';
    if (owes !== 'nothing') reasons.push('The running process has not loaded the files as they are on disk.');
    if (process === 'restart' && projectionDiffers)
      reasons.push('A reload does not reach what changed: it is restarted.');
    if (interrupted)
      reasons.push('An earlier run was interrupted in the middle of this set; it goes forward from here.');
  }
  const state = observed?.unitFileState ?? '';
  const masked = observed?.loadState === 'masked' || state.startsWith('masked');
  const isEnabled = state.startsWith('enabled');
  const enable =
    !masked && (FIXED_STATES.includes(state) || isEnabled === desired.enabled) ? undefined : desired.enabled;
  return {
    operations,
    memberDifferences,
    process,
    owes,
    enable: enable === false && observed === undefined ? undefined : enable,
    unmask: masked,
    daemonReload,
    restartDigest,
    foundRestartDigest,
    reasons,
  };
}

/** Fields of a member, each with the member's name before it. */
function named(title: string, fields: readonly Field[]): readonly Field[] {
  return fields.map((field) => ({ ...field, name: `${title} ${field.name}` }));
}

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
    risk: PROCESS_RISK[decision.process],
    notes: [...decision.reasons, ...decision.memberDifferences.flatMap((one) => one.differs.notes)],
  });
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
    verify: desired.verify ?? sh`systemctl is-active -q -- ${unit}`,
    enable: decision.enable,
    unmask: decision.unmask,
    wasActive,
    daemonReload: decision.daemonReload,
    stamp: { reload: sha256(JSON.stringify(contents)), restart: decision.restartDigest, paths: setPaths(desired) },
    found: wasActive ? { reload: 'found', restart: decision.foundRestartDigest } : undefined,
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
  const isEnabled = observed?.unitFileState.startsWith('enabled') ?? false;
  if (!wasActive && !masked && !isEnabled && gone.length === 0) return { kind: 'gone' as const };
  const files = gone.flatMap((one) => one.effect.files ?? []);
  const changed = difference(
    'delete',
    [
      { name: 'process', from: observed?.activeState ?? 'absent', to: 'inactive' },
      ...gone.flatMap((one) => one.fields),
    ],
    { risk: wasActive ? 'outage' : 'none', texts: gone.flatMap((one) => one.difference.texts) },
  );
  if (changed === undefined) return { kind: 'gone' as const };
  const stop = sh`if systemctl cat -- ${unit} >/dev/null 2>&1; then
  systemctl -q disable --now -- ${unit} || exit 1
fi
[ "$(readlink -- /etc/systemd/system/${unit})" != /dev/null ] || systemctl -q unmask -- ${unit} || exit 1`;
  return {
    kind: 'remove' as const,
    difference: changed,
    effect: {
      before: stop,
      files,
      script: sh`systemctl daemon-reload
rm -rf -- "$S"/services/${unit}`,
    },
  };
}

/** A systemd unit and its configuration. See ServiceDesired; the transaction is in src/remote/transaction.ts. */
export const service = defineResource({
  type: 'service',
  desired: t.opaque<ServiceDesired>(),
  id: (desired) => desired.unit,
  members: (desired) => desired.config,
  probe: (all) =>
    new Script(
      [
        sh`i=0 shown= u=
emit() { [ -n "$u" ] || return 0; eval "shown_$u=\$shown"; }
n=0
while IFS= read -r line; do
  if [ -z "$line" ]; then eval "shown_$n=\$shown"; n=$((n + 1)) shown=; else shown="$shown$line
"; fi
done <<X
$(systemctl show --timestamp=us+utc -p ${SHOWN} -- ${all.map((one) => one.unit)} 2>/dev/null)

X`.text,
        ...all.map(
          (desired, index) =>
            sh`record ${index}
field show "$shown_${index}"
D=/var/lib/farmctl/services/${desired.unit}
[ ! -e "$D"/journal ] || field journal yes
[ ! -e /usr/lib/systemd/system/${desired.unit} ] && [ ! -e /lib/systemd/system/${desired.unit} ] || field packaged yes
[ ! -e "$D"/stamp ] || data stamp <"$D"/stamp
stat --printf '%i %.9Z\n' -- ${[...setPaths(desired), '/nonexistent']} 2>/dev/null | data inodes
end_record`.text,
        ),
      ].join('\n'),
    ),
  parse(record, desired) {
    const state = parseServiceState(record);
    if (state.loadState === '') return unknown('systemctl show said nothing: is systemd running on this host?');
    // A mask hides whether there is a unit behind it.
    const isHollow = state.loadState === 'masked' && !record.has('packaged');
    if (state.loadState !== 'not-found' && !isHollow) return known(state);
    if (setPaths(desired).includes(`${UNITS}${desired.unit}`)) return absent;
    const { unit } = desired;
    return { ...unknown(`there is no unit ${unit}`), elseAsDesired: !desired.enabled && !desired.active };
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
      { name: 'process', from: 'not installed', to: desired.active ? 'active' : 'inactive' },
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
});
