import {
  absent,
  authorizedKey,
  block,
  defineRole,
  directory,
  dropIn,
  exec,
  file,
  group,
  ownedDirectory,
  packages,
  service,
  sh,
  symlink,
  sysctl,
  t,
  text,
  unitFile,
  user,
} from 'farmctl';
import { TICK_DROP_IN, TICK_UNIT, TICKD } from './tickd.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq1vM1zQdbo7OQfkWfDdqfJ5YTHCRZ9gqJXgHTFHZVa sailor@example';

export default defineRole({
  name: 'mixed',
  summary: 'One of each kind of resource, to be damaged.',
  systems: ['debian-12'],
  variables: t.object({}),
  resources: () => [
    packages(['ed']),
    group({ name: 'crew', gid: 2100 }),
    user({
      name: 'sailor',
      uid: 2101,
      group: 'crew',
      groups: ['adm'],
      shell: '/bin/sh',
      home: '/home/sailor',
      comment: 'The sailor',
    }),
    authorizedKey({ user: 'sailor', key: KEY }),
    sysctl({ key: 'net.ipv4.ip_default_ttl', value: '70' }),
    directory({ path: '/srv/things', mode: '0750', owner: 'sailor', group: 'crew' }),
    file({ path: '/srv/things/plain', content: text('plain\n'), mode: '0640', owner: 'sailor', group: 'crew' }),
    file({ path: '/srv/things/hidden', content: text('hidden\n', { sensitive: true }), mode: '0600' }),
    file({ path: '/srv/things/empty', content: text('') }),
    symlink({ path: '/srv/things/link', target: 'plain' }),
    absent({ path: '/srv/things/gone' }),
    ownedDirectory({
      path: '/srv/things/owned.d',
      entries: [
        file({ path: '/srv/things/owned.d/one', content: text('one\n') }),
        file({ path: '/srv/things/owned.d/two words', content: text('two\n'), group: 'crew' }),
        symlink({ path: '/srv/things/owned.d/three', target: 'one' }),
      ],
    }),
    block({ path: '/etc/profile', name: 'things', content: 'THINGS=1\n' }),
    exec({ name: 'mark', script: sh`: >/srv/things/mark`, creates: '/srv/things/mark' }),
    unitFile({ unit: 'things.target', content: text('[Unit]\nDescription=Things\n') }),
    dropIn({ unit: 'things.target', content: text('[Unit]\nDescription=Many things\n') }),
    file({ path: '/usr/local/sbin/tickd', content: text(TICKD), mode: '0755' }),
    service({
      unit: 'tick.service',
      enabled: true,
      active: true,
      config: [
        unitFile({ unit: 'tick.service', content: text(TICK_UNIT) }),
        dropIn({ unit: 'tick.service', content: text(TICK_DROP_IN) }),
        file({ path: '/etc/tick/main.conf', content: text('main\n') }),
        ownedDirectory({
          path: '/etc/tick/more.d',
          entries: [file({ path: '/etc/tick/more.d/first', content: text('first\n') })],
        }),
        symlink({ path: '/etc/tick/alias', target: 'main.conf' }),
      ],
      verify: sh`n=0
until [ "$(cat /run/tick.loaded)" = 'main
first
color blue' ] && systemctl is-active -q tick.service; do
  n=$((n + 1))
  [ "$n" -lt 50 ] || { echo "tick does not serve the set"; exit 1; }
  sleep 0.1
done`,
    }),
    service({
      unit: 'cron-like.service',
      enabled: false,
      active: false,
      config: [
        unitFile({
          unit: 'cron-like.service',
          content: text('[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'),
        }),
      ],
    }),
  ],
});
