import {
  defineRole,
  directory,
  exec,
  file,
  group,
  ownedDirectory,
  type Resource,
  service,
  sh,
  sysctl,
  t,
  text,
  unitFile,
  user,
} from 'farmctl';
import { PAIRD, UNIT } from './paird.ts';

const variables = t.object({
  generation: t.string({ default: '1', description: 'What both files of the set say.' }),
  listen: t.integer({ default: 80, description: 'Only a restart reaches it.' }),
  bad: t.boolean({ default: false, description: 'The checker refuses it.' }),
  crash: t.boolean({ default: false, description: 'The service does not come up on it.' }),
  sites: t.array(t.string(), { default: ['first', 'second'] }),
  pause: t.integer({ default: 0, description: 'Seconds of a step that takes long.' }),
  without: t.array(t.string(), { default: [], description: 'Resources that the role leaves out, by their ids.' }),
  token: t.optional(t.secret()),
});

export default defineRole({
  name: 'site',
  summary: 'One of each kind of resource, for tests.',
  systems: ['debian-12'],
  variables,
  resources({ variables: { generation, listen, bad, crash, sites, pause, without, token } }) {
    const lines = `generation ${generation}\n`;
    const all: Resource[] = [
      group({ name: 'pair' }),
      user({ name: 'pair', group: 'pair', system: true }),
      sysctl({ key: 'net.ipv4.ip_default_ttl', value: '70' }),
      directory({ path: '/srv/site', mode: '0750', owner: 'pair', group: 'pair' }),
      exec({ name: 'note', script: sh`echo noted >/srv/site/note`, creates: '/srv/site/note' }),
      file({ path: '/etc/site/motd', content: text('welcome\n'), mode: '0640', group: 'pair' }),
      ownedDirectory({
        path: '/etc/site/parts.d',
        entries: [file({ path: '/etc/site/parts.d/own', content: text('own\n') })],
      }),
      file({ path: '/usr/local/sbin/paird', content: text(PAIRD), mode: '0755' }),
      ...(pause === 0
        ? []
        : [exec({ name: 'pause', script: sh`sleep ${pause}.5; : >/srv/site/paused`, creates: '/srv/site/paused' })]),
      service({
        unit: 'pair.service',
        enabled: true,
        active: true,
        config: [
          unitFile({ unit: 'pair.service', content: text(UNIT) }),
          file({
            path: '/etc/pair/a.conf',
            content: text(`${lines}listen ${listen}\nbad ${bad ? 'yes' : 'no'}\ncrash ${crash ? 'yes' : 'no'}\n`),
          }),
          file({ path: '/etc/pair/b.conf', content: text(lines) }),
          ownedDirectory({
            path: '/etc/pair/sites.d',
            entries: sites.map((name) => file({ path: `/etc/pair/sites.d/${name}`, content: text(`${name}\n`) })),
          }),
          ...(without.includes('/etc/pair/extra.conf')
            ? []
            : [file({ path: '/etc/pair/extra.conf', content: text('extra\n') })]),
        ],
        validate: sh`/usr/local/sbin/paird check`,
        checkers: ['/usr/local/sbin/paird'],
        restartWhen: (contents) => /^listen .*$/m.exec(contents.get('/etc/pair/a.conf') ?? '')?.[0],
        verify: sh`n=0
until grep -q ${`^${generation} ${generation} `} /run/pair.loaded && systemctl is-active -q pair.service; do
  n=$((n + 1))
  [ "$n" -lt 20 ] || { echo "pair does not serve the new set"; exit 1; }
  sleep 0.1
done`,
      }),
    ];
    if (token !== undefined)
      all.push(file({ path: '/etc/site/token', content: text(`token ${token.placeholder}\n`), mode: '0600' }));
    return all.filter((one) => !without.includes(one.id));
  },
});
