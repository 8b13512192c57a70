import {
  authorizedKey,
  block,
  commandCheck,
  defineRole,
  exec,
  type FarmView,
  file,
  type HostView,
  packages,
  type Resource,
  type RoleContext,
  sh,
  symlink,
  sysctl,
  text,
  user,
} from 'farmctl';
import { absentUser } from './absent-user.ts';
import { sudoers } from './sudoers.ts';
import { timeService } from './time.ts';
import { type Administrator, type Variables, variables } from './variables.ts';

type Context = RoleContext<Variables>;

function hostName({ name }: HostView): Resource[] {
  return [
    file({ path: '/etc/hostname', content: text(`${name}\n`) }),
    exec({
      name: `host name ${name}`,
      script: sh`hostname ${name}`,
      unless: sh`[ "$(uname -n)" = ${name} ]`,
    }),
  ];
}

function hostLines({ domain, vips }: FarmView, hosts: readonly HostView[], withVips: boolean): string {
  const line = (address: string, name: string) => `${address}\t${name}.${domain} ${name}\n`;
  const own = hosts.flatMap((host) =>
    host.addresses.map(({ network, address }, index) =>
      line(address, index === 0 ? host.name : `${host.name}.${network.name.replaceAll('_', '-')}`),
    ),
  );
  return [...own, ...(withVips ? vips.map((one) => line(one.address, one.name.replaceAll('_', '-'))) : [])].join('');
}

function hostsFile({ host, farm, variables: { hostsFile: whose } }: Context): Resource[] {
  if (whose === 'none') return [];
  const lines = whose === 'farm' ? hostLines(farm, farm.allHosts, true) : hostLines(farm, [host], false);
  return [block({ path: '/etc/hosts', name: 'farm', content: lines })];
}

/** The zone by its canonical name in the time zone database, which every Debian has. */
function timezone({ variables: { timezone: name }, reject }: Context): Resource[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return reject('timezone', `There is no time zone "${name}".`, 'Write it as Europe/Berlin, or Etc/UTC.');
  }
  return [
    symlink({ path: '/etc/localtime', target: `/usr/share/zoneinfo/${name}` }),
    file({ path: '/etc/timezone', content: text(`${name}\n`) }),
  ];
}

function account({ name, uid, comment, shell, groups, keys, passwordHash }: Administrator): Resource[] {
  const own = {
    name,
    comment,
    shell,
    groups,
    home: `/home/${name}`,
    ...(uid === undefined ? {} : { uid }),
    ...(passwordHash === undefined ? {} : { passwordHash }),
  };
  return [user(own), ...keys.map((key) => authorizedKey({ user: name, key }))];
}

const SUDO_RULES = { password: 'ALL=(ALL:ALL) ALL', nopasswd: 'ALL=(ALL:ALL) NOPASSWD: ALL' } as const;

function administrators({
  variables: { administrators: all, absentAdministrators: gone },
  reject,
}: Context): Resource[] {
  const names = all.map((one) => one.name);
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice !== -1) reject(['administrators', twice, 'name'], `The administrator "${names[twice]}" is listed twice.`);
  const both = gone.findIndex((name) => names.includes(name));
  if (both !== -1)
    reject(
      ['absentAdministrators', both],
      `"${gone[both]}" is to be there and to be absent.`,
      'Take the name out of one of the lists.',
    );
  const numbers = all.map((one) => one.uid);
  const same = numbers.findIndex((uid, index) => uid !== undefined && numbers.indexOf(uid) < index);
  if (same !== -1) reject(['administrators', same, 'uid'], 'Two administrators have the same uid.');
  const locked = all.findIndex((one) => one.sudo === 'password' && one.passwordHash === undefined);
  if (locked !== -1)
    reject(
      ['administrators', locked, 'sudo'],
      `"${names[locked]}" may use sudo with a password and has none.`,
      'Give a passwordHash, made with `openssl passwd -6`, or `sudo: nopasswd`.',
    );
  const mighty = all.filter((one) => one.sudo !== 'none');
  const rules = mighty.map(({ name, sudo }) => (sudo === 'none' ? '' : `${name} ${SUDO_RULES[sudo]}\n`)).join('');
  return [
    ...all.flatMap(account),
    ...(mighty.length === 0
      ? []
      : [
          sudoers({
            name: '60-farmctl',
            rules: `# Managed by farmctl: what is changed here is lost at the next apply.\n${rules}`,
          }),
        ]),
    ...gone.map((name) => absentUser({ name })),
  ];
}

function packageList({ variables: given, reject }: Context): Resource[] {
  const time = timeService(given);
  const needsSudo = given.administrators.some((one) => one.sudo !== 'none');
  const wanted = [...new Set(['tzdata', ...given.packages, ...(needsSudo ? ['sudo'] : []), ...(time?.packages ?? [])])];
  const unwanted = [...new Set([...given.absentPackages, ...(time?.absent ?? [])])];
  const both = unwanted.find((name) => wanted.includes(name));
  if (both !== undefined)
    reject(
      'absentPackages',
      `The package "${both}" is to be there and to be absent.`,
      'Take it out of one of the lists.',
    );
  return [packages(wanted, { absent: unwanted })];
}

function kernelSettings({ variables, reject }: Context): Resource[] {
  return Object.entries(variables.sysctl).map(([key, value]) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      reject(['sysctl', key], `The number of "${key}" is too large to be read exactly.`, 'Put it in quotes.');
    return sysctl({ key, value: String(value) });
  });
}

export default defineRole({
  name: 'base',
  summary: 'Gives a host its name, its time, its administrators and the packages that every host has.',
  systems: ['debian-12'],
  variables,

  resources: (context) => [
    ...hostName(context.host),
    ...hostsFile(context),
    ...packageList(context),
    ...timezone(context),
    ...[timeService(context.variables)?.resource(context)].filter((one) => one !== undefined),
    ...administrators(context),
    ...kernelSettings(context),
  ],

  checks: ({ host, variables: given }) => [
    commandCheck({ name: 'host name', script: sh`uname -n; [ "$(uname -n)" = ${host.name} ]` }),
    ...[timeService(given)?.check].filter((one) => one !== undefined),
  ],
});
