import type { Service, Variables } from './variables.ts';

/** What a director offers: its services as written, and how its pair tells connections. */
export interface DirectorOffer {
  readonly services: readonly Service[];
  readonly sync: boolean;
  readonly syncId: number | undefined;
  readonly syncNetwork: string | undefined;
  readonly timeouts: Variables['timeouts'];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly drainSeconds: number;
}

/** What a real server offers: its weights. */
export type RealOffer = Pick<Variables, 'weight' | 'weights'>;

declare module 'farmctl' {
  interface Offers {
    'lvs-dr/director': DirectorOffer;
    'lvs-dr/real': RealOffer;
  }
}

/** What a role that is served may offer. All of it may be missing: then the service must say it. */
export interface ServedOffer {
  readonly port?: number;
  readonly tlsPort?: number;
  readonly healthPath?: string;
  readonly hostHeader?: string;
  /** Where it listens; empty or missing: on all addresses of its host. */
  readonly addresses?: readonly string[];
}

/** Takes of an offer what is of the right kind: any role may be served, and what it offers is its own matter. */
export function servedOffer(offer: unknown): ServedOffer {
  if (typeof offer !== 'object' || offer === null) return {};
  const found: Record<string, unknown> = { ...offer };
  const number = (name: 'port' | 'tlsPort') => (typeof found[name] === 'number' ? { [name]: found[name] } : {});
  const text = (name: 'healthPath' | 'hostHeader') => (typeof found[name] === 'string' ? { [name]: found[name] } : {});
  const addresses = Array.isArray(found['addresses'])
    ? found['addresses'].filter((one) => typeof one === 'string')
    : [];
  return { ...number('port'), ...number('tlsPort'), ...text('healthPath'), ...text('hostHeader'), addresses };
}
