import type { HostView } from 'farmctl';
import type { Identity, MountWish, Share, Variables } from './variables.ts';

/** What clients learn of a server. */
export interface ServerOffer {
  readonly exports: readonly Share[];
  readonly versions: Variables['versions'];
  readonly listen: readonly string[];
  readonly ids: readonly Identity[];
}

/** What a server, and whoever serves files from a mount, learns of a client. */
export interface ClientOffer {
  readonly mounts: readonly (Pick<MountWish, 'export' | 'access'> & {
    readonly server: string | undefined;
    readonly path: string;
  })[];
}

declare module 'farmctl' {
  interface Offers {
    'nfs/server': ServerOffer;
    'nfs/client': ClientOffer;
  }
}

interface OfferContext {
  readonly host: HostView;
  readonly variables: Variables;
}

export function serverOffer({ variables }: OfferContext): ServerOffer {
  const { exports, versions, listen, ids } = variables;
  return { exports, versions, listen, ids };
}

export function clientOffer({ variables }: OfferContext): ClientOffer {
  const mounts = variables.mounts.map((one) => ({
    export: one.export,
    access: one.access,
    server: one.server,
    path: one.path ?? one.export,
  }));
  return { mounts };
}
