import { type Check, commandCheck, file, type Resource, type RoleContext, service, sh } from 'farmctl';
import type { Variables } from './variables.ts';

interface TimeService {
  readonly packages: readonly string[];
  /** Two services would both set the clock; Debian's packages exclude each other. */
  readonly absent: readonly string[];
  readonly resource: (context: RoleContext<Variables>) => Resource;
  readonly check: Check;
}

/** In a container neither service starts, and both say nothing of it. */
const OWN_CLOCK = sh`if systemd-detect-virt -cq; then
  echo 'a container has the clock of its machine and cannot set it: give base no timeServers here' >&2
  exit 1
fi`;

/** What a restart proves: such a service has no reload, and its state says nothing of the servers. */
const SERVICES: Record<Variables['timeService'], TimeService> = {
  chrony: {
    packages: ['chrony'],
    absent: ['systemd-timesyncd'],
    resource: ({ variables, render }) =>
      service({
        unit: 'chrony.service',
        enabled: true,
        active: true,
        config: [
          file({
            path: '/etc/chrony/chrony.conf',
            content: render('chrony.conf.hbs', { servers: variables.timeServers }),
          }),
        ],
        validate: sh`${OWN_CLOCK}
chronyd -p -f /etc/chrony/chrony.conf >/dev/null`,
        checkers: ['/usr/sbin/chronyd'],
        reload: 'restart',
        verify: sh`left=20
until chronyc -n sources >/dev/null 2>&1; do
  [ "$left" -gt 0 ] || { chronyc -n sources >&2; exit 1; }
  left=$((left - 1))
  sleep 0.5
done`,
      }),
    check: commandCheck({
      name: 'time',
      script: sh`chronyc -n tracking && chronyc -n tracking | grep -q '^Leap status *: Normal'`,
    }),
  },
  timesyncd: {
    packages: ['systemd-timesyncd'],
    absent: ['chrony'],
    resource: ({ variables, render }) =>
      service({
        unit: 'systemd-timesyncd.service',
        enabled: true,
        active: true,
        config: [
          file({
            path: '/etc/systemd/timesyncd.conf.d/farmctl.conf',
            content: render('timesyncd.conf.hbs', { servers: variables.timeServers }),
          }),
        ],
        validate: OWN_CLOCK,
        reload: 'restart',
      }),
    check: commandCheck({
      name: 'time',
      script: sh`timedatectl timesync-status --no-pager; [ "$(timedatectl show -p NTPSynchronized --value)" = yes ]`,
    }),
  },
};

/** The service that keeps the time, or undefined where the inventory names no time servers. */
export function timeService({ timeServers, timeService: name }: Variables): TimeService | undefined {
  return timeServers.length === 0 ? undefined : SERVICES[name];
}
