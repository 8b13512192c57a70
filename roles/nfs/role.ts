import { defineRole } from 'farmctl';
import { clientChecks, clientResources } from './client.ts';
import { clientOffer, serverOffer } from './offers.ts';
import { serverChecks, serverResources } from './server.ts';
import { variables } from './variables.ts';

export default defineRole({
  name: 'nfs',
  summary: 'Shares directories of a server with the hosts that mount them, by NFS 4.',
  systems: ['debian-12'],
  variables,
  parts: {
    server: {
      // A web server that leaves is served until nobody is sent there any more.
      outlasts: ['nfs/client'],
      resources: serverResources,
      checks: serverChecks,
      offers: serverOffer,
    },
    client: {
      after: ['nfs/server'],
      resources: clientResources,
      checks: clientChecks,
      offers: clientOffer,
    },
  },
});
