import { defineRole, exec, file, service, sh, t, text, unitFile } from 'farmctl';
import { PAIRD, UNIT } from '../../../site/roles/site/paird.ts';

/** So that a body takes several pages of a full disk. */
const PADDING = `# ${'padding '.repeat(2500)}\n`;

export default defineRole({
  name: 'set',
  summary: 'A service whose two files must be of one generation, between a step before and one after it.',
  systems: ['debian-12'],
  variables: t.object({
    generation: t.string({ default: '1' }),
    seconds: t.integer({ default: 0, description: 'How long a step in the middle takes.' }),
  }),
  resources: ({ variables: { generation, seconds } }) => [
    file({ path: '/etc/weather/before', content: text(`${generation}\n`) }),
    ...(seconds === 0
      ? []
      : [
          exec({
            name: 'slow',
            script: sh`: >${`/run/slow-${generation}`}; sleep ${seconds}; echo done >${`/srv/slow-${generation}`}`,
            creates: `/srv/slow-${generation}`,
          }),
        ]),
    file({ path: '/usr/local/sbin/paird', content: text(PAIRD), mode: '0755' }),
    service({
      unit: 'pair.service',
      enabled: true,
      active: true,
      config: [
        unitFile({ unit: 'pair.service', content: text(UNIT) }),
        file({ path: '/etc/pair/a.conf', content: text(`generation ${generation}\n${PADDING}`) }),
        file({ path: '/etc/pair/b.conf', content: text(`generation ${generation}\n${PADDING}`) }),
      ],
      validate: sh`/usr/local/sbin/paird check`,
      checkers: ['/usr/local/sbin/paird'],
      verify: sh`n=0
until grep -q ${`^${generation} ${generation} `} /run/pair.loaded && systemctl is-active -q pair.service; do
  n=$((n + 1))
  [ "$n" -lt 50 ] || { echo "pair does not serve the new set"; exit 1; }
  sleep 0.1
done`,
    }),
    file({ path: '/etc/weather/after', content: text(`${generation}\n`) }),
  ],
});
