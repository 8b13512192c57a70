import { defineRole } from 'farmctl';
import { directorChecks, directorResources } from './director.ts';
import type { DirectorOffer, RealOffer } from './offers.ts';
import { realChecks, realResources } from './real.ts';
import { settingsOf, variables } from './variables.ts';

export default defineRole({
  name: 'lvs-dr',
  summary: 'Balances connections over real servers in the kernel: direct routing, NAT or tunnels, with health checks.',
  tags: ['balancing'],
  systems: ['debian-12'],
  variables,
  partOf: (host, _variables, farm) => (farm.vips.some(({ pair }) => pair.includes(host.name)) ? 'director' : 'real'),
  parts: {
    director: {
      // Without the address a listed server loses its share, though its check passes; best is it already answers.
      after: [{ part: 'lvs-dr/real', needs: 'all' }, 'apache-app', 'apache-media'],
      resources: directorResources,
      checks: directorChecks,
      offers: ({ variables }): DirectorOffer => ({
        services: variables.services,
        sync: variables.sync,
        syncId: variables.syncId,
        syncNetwork: variables.syncNetwork,
        timeouts: variables.timeouts,
        sysctls: settingsOf(variables),
        drainSeconds: variables.drainSeconds,
      }),
    },
    real: {
      resources: realResources,
      checks: realChecks,
      offers: ({ variables: { weight, weights } }): RealOffer => ({ weight, weights }),
    },
  },
});
