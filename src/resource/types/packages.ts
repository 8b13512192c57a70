import { type Static, t } from '../../model/schema.ts';
import { difference, type Field, graver, type Risk } from '../change.ts';
import { defineResource, known, type Resource } from '../define.ts';
import { deletion } from './file-state.ts';
import { type PackagesState, probePackages, readPackages, type WantedPackage } from './packages-probe.ts';
import { type AptTransaction, aptScript } from './packages-script.ts';

const NAME = {
  pattern: '^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?$',
  title: "the name of a package, such as 'curl'",
} as const;

const schema = t.object({
  packages: t.array(
    t.object({
      name: t.string({ ...NAME }),
      version: t.optional(
        t.string({
          pattern: '^[A-Za-z0-9.+:~-]+$',
          title: 'a version as apt prints it',
          description: 'Exactly this one.',
        }),
      ),
    }),
  ),
  absent: t.array(t.string({ ...NAME }), { description: 'Removed; their configuration files stay.' }),
});

type Desired = Static<typeof schema>;

/** States in which a package is whole but for its configuration, which finishing dpkg's work brings. */
const CONFIGURABLE = ['unpacked', 'half-configured', 'triggers-awaited', 'triggers-pending'];

function isPresent(status: string | undefined): boolean {
  return status !== undefined && status !== 'not-installed' && status !== 'config-files';
}

function isSettled({ name, version }: WantedPackage, observed: PackagesState | undefined): boolean {
  const state = observed?.packages.get(name);
  return state?.status === 'installed' && (version === undefined || version === state.version);
}

function isKnownToApt({ name, version }: WantedPackage, observed: PackagesState): boolean {
  const available = observed.available.get(name);
  return version === undefined ? available?.candidate !== undefined : available?.versions.includes(version) === true;
}

/** What apt has to do; where nothing is known of the host: all of it. */
function transactionOf({ packages, absent }: Desired, observed: PackagesState | undefined): AptTransaction {
  const open = packages.filter((one) => !isSettled(one, observed));
  const install = open.filter(({ name, version }) => {
    const state = observed?.packages.get(name);
    if (state === undefined || !CONFIGURABLE.includes(state.status)) return true;
    return version !== undefined && version !== state.version;
  });
  return {
    install,
    remove: absent.filter((name) => observed === undefined || isPresent(observed.packages.get(name)?.status)),
    update: observed !== undefined && install.some((one) => !isKnownToApt(one, observed)),
    finish: observed?.isInterrupted === true || install.length < open.length,
  };
}

function installField(wanted: WantedPackage, observed: PackagesState | undefined): { field: Field; risk: Risk } {
  const { name, version } = wanted;
  const state = observed?.packages.get(name);
  const candidate = observed?.available.get(name)?.candidate;
  if (state === undefined || !isPresent(state.status))
    return { field: { name, from: undefined, to: version ?? candidate ?? 'newest' }, risk: 'none' };
  const from = state.status === 'installed' ? state.version : `${state.version} (${state.status})`;
  const to = version ?? (CONFIGURABLE.includes(state.status) ? state.version : (candidate ?? 'newest'));
  return { field: { name, from, to }, risk: 'restart' };
}

function diff(desired: Desired, observed: PackagesState | undefined) {
  const { remove, update, finish } = transactionOf(desired, observed);
  const open = desired.packages.filter((one) => !isSettled(one, observed));
  const installs = open.map((one) => installField(one, observed));
  const removals = remove.map((name) => {
    return { name, from: observed?.packages.get(name)?.version ?? 'if installed', to: undefined };
  });
  const dpkg: Field[] = finish ? [{ name: 'dpkg', from: 'interrupted', to: 'finished' }] : [];
  let risk: Risk = removals.length > 0 ? 'outage' : finish ? 'restart' : 'none';
  for (const one of installs) risk = graver(risk, one.risk);
  const fields = [...dpkg, ...installs.map((one) => one.field), ...removals];
  const isNew = fields.every((field) => field.from === undefined);
  const isGone = fields.every((field) => field.to === undefined);
  const notes = update ? ['The package lists are fetched first: apt does not know all of these yet.'] : [];
  return difference(isNew ? 'create' : isGone ? 'delete' : 'update', fields, { risk, notes });
}

const define = defineResource({
  type: 'packages',
  desired: schema,
  defaults: { absent: [] as string[] },
  id: ({ packages, absent }) =>
    [...packages.map((one) => one.name), ...absent.map((name) => `-${name}`)].sort().join(' '),
  title: ({ packages, absent }) => {
    const names = [...packages.map((one) => one.name), ...absent.map((name) => `-${name}`)];
    return names.length > 4 ? `${names.slice(0, 3).join(' ')} and ${names.length - 3} more` : names.join(' ');
  },
  probesTogether: true,
  probe: probePackages,
  parse: (record, desired) => known(readPackages(record, desired)),
  diff,
  apply: (desired, observed) => ({ script: aptScript(transactionOf(desired, observed)), deadline: 'packages' }),
  remove: ({ packages }, observed) => {
    const left = packages.filter(({ name }) => isPresent(observed?.packages.get(name)?.status)).map((one) => one.name);
    if (left.length === 0) return { kind: 'gone' };
    const difference = deletion('looked after by farmctl', [`The packages stay installed: ${left.join(' ')}.`]);
    return { kind: 'remove', difference, effect: {} };
  },
  // A list that has grown has another id; what it names is still looked after.
  isCoveredBy: ({ packages }, wanted) => {
    const names = new Set(wanted.flatMap((one) => one.packages.map(({ name }) => name)));
    return packages.every(({ name }) => names.has(name));
  },
  // Another resource's packages may have brought some of these meanwhile.
  covers: ({ packages, absent }, planned, found) => {
    if (planned === undefined || found === undefined || (found.isInterrupted && !planned.isInterrupted)) return false;
    const same = (name: string) =>
      JSON.stringify(planned.packages.get(name)) === JSON.stringify(found.packages.get(name));
    return (
      packages.every((one) => same(one.name) || isSettled(one, found)) &&
      absent.every((name) => same(name) || !isPresent(found.packages.get(name)?.status))
    );
  },
  refuse: ({ packages, absent }) => {
    const names = packages.map((one) => one.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) return { field: 'packages', detail: `names ${twice} twice` };
    const both = absent.find((name) => names.includes(name));
    return both === undefined ? undefined : { field: 'absent', detail: `names ${both}, which is wanted too` };
  },
});

/**
 * Packages of apt, installed and removed in one transaction without their recommendations. Changed configuration files
 * are kept. Packages that are there in any version are not upgraded; those with a `version` have exactly that one.
 * Nobody else's packages are removed. They stay when no role names them any more.
 */
export const packages = Object.assign(
  (wanted: readonly (string | WantedPackage)[], options: { readonly absent?: readonly string[] } = {}): Resource =>
    define({
      packages: wanted.map((one) => (typeof one === 'string' ? { name: one } : { ...one })),
      absent: [...(options.absent ?? [])],
    }),
  { type: define.type },
);
