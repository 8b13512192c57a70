import { defineResource, difference, joinScripts, known, notThere, sh, t, unknown } from 'farmctl';

interface Account {
  readonly uid: number;
}

/** Below it are the system's own accounts, and 65534 is nobody. */
const FIRST_UID = 1000;

/** An account that shall not be there. It is locked first, then its processes end, then it goes; its home stays. */
export const absentUser = defineResource({
  type: 'absent-user',
  desired: t.object({ name: t.string({ pattern: '^[a-z][a-z0-9_-]{0,31}$', description: 'Login name.' }) }),
  id: ({ name }) => name,
  probe: (all) =>
    joinScripts([
      // /etc/passwd alone: what a directory service knows cannot be deleted here.
      sh`look() {
  record "$1"
  while IFS=: read -r name x uid x; do
    [ "$name" != "$2" ] || field uid "$uid"
  done </etc/passwd
  end_record
}`,
      ...all.map(({ name }, index) => sh`look ${index} ${name}`),
    ]),
  parse(record, { name }) {
    if (!record.has('uid')) return notThere;
    const uid = Number(record.text('uid'));
    if (!(uid >= FIRST_UID && uid < 65_534))
      return unknown(`${name} is an account of the system (${uid}), which stays`);
    return known({ uid });
  },
  diff: (_desired, state: Account | undefined) =>
    state === undefined
      ? undefined
      : difference('delete', [{ name: 'account', from: `uid ${state.uid}`, to: undefined }], {
          notes: ['Its home directory stays.'],
        }),
  apply: ({ name }) => ({
    script: sh`[ "$(printenv SUDO_USER)" != ${name} ] || { echo 'this very connection is logged in as that account' >&2; exit 1; }
uid=$(id -u -- ${name} 2>/dev/null) || exit 0
usermod --lock --expiredate 1 -- ${name} || exit 1
loginctl terminate-user ${name} 2>/dev/null
cd /proc || exit 1
left=20
until userdel -- ${name}; do
  [ "$left" -gt 0 ] || exit 1
  left=$((left - 1))
  stat -c '%u %n' [0-9]* 2>/dev/null | while read -r owner process; do
    [ "$owner" != "$uid" ] || kill -KILL "$process"
  done
  sleep 0.5
done`,
  }),
  remove: () => ({ kind: 'gone' }),
});
