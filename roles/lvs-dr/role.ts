import { defineRole } from 'farmctl';
import { directorChecks, directorResources } from './director.ts';
import type { DirectorOffer, RealOffer } from './offers.ts';
import { realChecks, realResources } from './real.ts';
import { variables } from './variables.ts';

export default defineRole({
  name: 'lvs-dr',
  summary: 'Balances connections over real servers in the kernel: direct routing, NAT or tunnels, with health checks.',
  tags: ['balancing'],
  systems: ['debian-12'],
  variables,
  partOf: (host, _variables, farm) => (farm.vips.some(({ pair }) => pair.includes(host.name)) ? 'director' : 'real'),
  parts: {
    director: {
      // A server is listed when it has the address, and best when it already answers.
      after: ['lvs-dr/real', 'apache-app', 'apache-media'],
      resources: directorResources,
      checks: directorChecks,
      offers: ({ variables: { services, sync, syncId, syncNetwork } }): DirectorOffer => ({
        services,
        sync,
        syncId,
        syncNetwork,
      }),
    },
    real: {
      resources: realResources,
      checks: realChecks,
      offers: ({ variables: { weight, weights } }): RealOffer => ({ weight, weights }),
    },
  },
});
