import { Content } from '../../model/content.ts';
import { type Static, t } from '../../model/schema.ts';
import type { Secret } from '../../model/secret.ts';
import { joinScripts, Script, sh } from '../../remote/sh.ts';
import { difference, type Field, type Risk } from '../change.ts';
import { absent, defineResource, type Effect, known, type Observed, type ProbeRecord, unknown } from '../define.ts';
import { ACCOUNT_NAME, FIND_ENTRY, forgetOurs, makeOurs, tellOurs } from './account.ts';
import { deletion } from './file-state.ts';
import { probeTogether } from './path-probe.ts';

const schema = t.object({
  name: t.string({ ...ACCOUNT_NAME }),
  uid: t.optional(t.integer({ minimum: 1, maximum: 4294967293, description: 'Chosen by the host where absent.' })),
  group: t.optional(t.string({ ...ACCOUNT_NAME, description: 'Primary group; one of its own where absent.' })),
  groups: t.array(t.string({ ...ACCOUNT_NAME }), { description: 'Is a member of these; others are left alone.' }),
  shell: t.optional(t.path({ description: 'Login shell.' })),
  home: t.optional(t.path({ description: 'Home directory, made for a new user who is no system user.' })),
  comment: t.optional(
    t.string({ pattern: '^[^:\\n\\u0000]*$', title: 'one line without a colon', description: 'Full name.' }),
  ),
  system: t.boolean({ description: 'A new user has a number of the system range and no home directory.' }),
  passwordHash: t.optional(t.secret({ description: 'As crypt(5) makes it. No password is set where absent.' })),
});

type Desired = Static<typeof schema>;

interface UserState {
  readonly uid: string;
  readonly gid: string;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  /** Number of the wanted primary group. */
  readonly wantedGid: string | undefined;
  /** Those of the wanted groups that the user is in. */
  readonly groups: readonly string[];
  /** SHA-256 of the password's hash with a line end; undefined where that is not managed. */
  readonly passwordDigest: string | undefined;
  /** True: farmctl made the user, so it may take them away. */
  readonly isOurs: boolean;
}

function hashContent(hash: Secret): Content {
  return Content.text(`${hash.placeholder}\n`);
}

/** Only what concerns this user is told of a group: other members come and go. */
function tellGroup(field: string, name: string, user: string): Script {
  return sh`find_entry "$found_group" ${name}
if [ -n "$number" ]; then
  member=no
  case ,${new Script('${entry#*:}')}, in *,${user},*) member=yes ;; esac
  field ${field} "$number $member"
fi`;
}

/** The digest is made on the host, so that no hash of a password leaves it. */
function tellPassword(name: string): Script {
  return sh`shadow=$(getent shadow ${name}) || shadow=''
shadow=${new Script('${shadow#*:}')}
shadow=$(printf '%s\n' ${new Script('"${shadow%%:*}"')} | sha256sum)
field password ${new Script('"${shadow%% *}"')}`;
}

function probe(all: readonly Desired[]): Script {
  const groups = [...new Set(all.flatMap((one) => [...one.groups, ...(one.group === undefined ? [] : [one.group])]))];
  const lookups = [
    sh`look_up passwd ${all.map((one) => one.name)}`,
    ...(groups.length === 0 ? [] : [sh`look_up group ${groups}`]),
  ];
  const each = all.map((desired) =>
    joinScripts([
      sh`find_entry "$found_passwd" ${desired.name}
[ -z "$entry" ] || field entry "$entry"
${tellOurs('user', desired.name)}`,
      ...(desired.group === undefined ? [] : [tellGroup('primary', desired.group, desired.name)]),
      ...desired.groups.map((name, at) => tellGroup(`group${at}`, name, desired.name)),
      ...(desired.passwordHash === undefined ? [] : [tellPassword(desired.name)]),
    ]),
  );
  return probeTogether(each, [FIND_ENTRY, ...lookups]);
}

function parse(record: ProbeRecord, desired: Desired): Observed<UserState> {
  const { group, groups } = desired;
  if (group !== undefined && !record.has('primary')) return unknown(`there is no group ${group}`);
  const missing = groups.find((_, at) => !record.has(`group${at}`));
  if (missing !== undefined) return unknown(`there is no group ${missing}`);
  if (!record.has('entry')) return absent;
  const [uid = '', gid = '', comment = '', home = '', shell = ''] = record.text('entry').split(':');
  return known({
    uid,
    gid,
    comment,
    home,
    shell,
    wantedGid: group === undefined ? undefined : record.text('primary').split(' ')[0],
    groups: groups.filter((_, at) => {
      const [number, member] = record.text(`group${at}`).split(' ');
      return member === 'yes' || number === gid;
    }),
    passwordDigest: record.has('password') ? record.text('password') : undefined,
    isOurs: record.has('ours'),
  });
}

/** Each property that differs, with the flag of useradd and usermod that sets it. */
function changes(desired: Desired, observed: UserState | undefined): { field: Field; flags: string[] }[] {
  const found: { field: Field; flags: string[] }[] = [];
  const property = (name: string, from: string | undefined, to: string | number | undefined, flag: string) => {
    if (to !== undefined && from !== `${to}`)
      found.push({ field: { name, from, to: `${to}` }, flags: [flag, `${to}`] });
  };
  const { uid, group, groups, comment, home, shell } = desired;
  property('uid', observed?.uid, uid, '-u');
  const hasGroup = observed !== undefined && observed.wantedGid === observed.gid;
  property('group', hasGroup ? group : observed && `number ${observed.gid}`, group, '-g');
  const lacking = groups.filter((one) => observed?.groups.includes(one) !== true);
  if (lacking.length > 0) {
    const field = { name: 'groups', from: observed?.groups.join(', '), to: groups.join(', ') };
    found.push({ field, flags: [...(observed === undefined ? [] : ['-a']), '-G', lacking.join(',')] });
  }
  property('comment', observed?.comment, comment, '-c');
  property('home', observed?.home, home, '-d');
  property('shell', observed?.shell, shell, '-s');
  return found;
}

function passwordField({ passwordHash }: Desired, observed: UserState | undefined): Field[] {
  if (passwordHash === undefined || observed?.passwordDigest === hashContent(passwordHash).digest) return [];
  return [{ name: 'password', from: observed && '(sensitive)', to: '(sensitive, new)' }];
}

function diff(desired: Desired, observed: UserState | undefined) {
  const found = changes(desired, observed);
  const fields = [...found.map((one) => one.field), ...passwordField(desired, observed)];
  const create: Field[] = observed === undefined ? [{ name: 'user', from: undefined, to: desired.name }] : [];
  const isNumber = found.some(
    ({ field }) => observed !== undefined && (field.name === 'uid' || field.name === 'group'),
  );
  const risk: Risk = isNumber ? 'restart' : 'none';
  const moves = found.some(({ field }) => field.name === 'home') && observed !== undefined;
  const notes = moves ? ['What lies in the old home directory stays there.'] : [];
  return difference(observed === undefined ? 'create' : 'update', [...create, ...fields], { risk, notes });
}

function apply(desired: Desired, observed: UserState | undefined): Effect {
  const { name, group, system, passwordHash } = desired;
  const flags = changes(desired, observed).flatMap((one) => one.flags);
  const own = sh`set -- -U
if getent group ${name} >/dev/null; then set -- -g ${name}; fi`;
  const primary = group === undefined ? own : sh`set --`;
  const scripts =
    observed === undefined
      ? [primary, makeOurs('user', name, sh`useradd ${system ? '-r' : '-m'} ${flags} "$@" -- ${name} </dev/null`)]
      : flags.length === 0
        ? []
        : [sh`usermod ${flags} -- ${name} </dev/null || exit 1`];
  if (passwordHash === undefined || passwordField(desired, observed).length === 0)
    return { script: joinScripts(scripts) };
  // The hash comes by the script's input: an argument would be seen by everybody on the host.
  const set = sh`IFS= read -r hash && printf '%s:%s\n' ${name} "$hash" | chpasswd -e`;
  return { script: joinScripts([...scripts, set]), input: hashContent(passwordHash) };
}

/** A local user. Group memberships are only added, and a home directory is never moved or deleted. */
export const user = defineResource({
  type: 'user',
  desired: schema,
  defaults: { groups: [] as string[], system: false },
  id: ({ name }) => name,
  probesTogether: true,
  probe,
  parse,
  diff,
  apply,
  remove: ({ name }, observed) => {
    if (observed === undefined) return { kind: 'gone' };
    if (!observed.isOurs) return { kind: 'stays', reason: 'The user was there before farmctl.' };
    const script = sh`{ ! getent passwd ${name} >/dev/null || userdel -- ${name}; } && ${forgetOurs('user', name)}`;
    const notes = [`The home directory ${observed.home} stays.`];
    return { kind: 'remove', difference: deletion('user', notes), effect: { script } };
  },
});
