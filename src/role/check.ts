/** Where a network check starts from: the controller itself, or a forwarded stream of the host that declares it. */
export type CheckOrigin = 'controller' | 'host';

interface CheckBase {
  /** Unique within host and part: `health`, `zone farm.example`. */
  readonly name: string;
  /** Milliseconds; 10,000 where absent. */
  readonly timeoutMs?: number;
  /** `host` where absent: a minimal controller may have no route, and a forwarded stream costs no process. */
  readonly from?: CheckOrigin;
}

export interface HttpCheck extends CheckBase {
  readonly kind: 'http';
  readonly address: string;
  readonly port: number;
  readonly tls?: boolean;
  /** Server name for TLS and the Host header; the address where absent. */
  readonly serverName?: string;
  readonly path: string;
  readonly method?: 'GET' | 'HEAD';
  readonly expectStatus: number;
  /** Text that the body must contain. */
  readonly expectBody?: string;
}

export interface TcpCheck extends CheckBase {
  readonly kind: 'tcp';
  readonly address: string;
  readonly port: number;
}

export interface DnsCheck extends CheckBase {
  readonly kind: 'dns';
  /** The server that is asked, over TCP (a stream can be forwarded). */
  readonly address: string;
  readonly port?: number;
  readonly query: string;
  readonly recordType: 'A' | 'PTR' | 'SOA' | 'NS' | 'CNAME' | 'MX' | 'TXT';
  /** All of these must be among the answers; empty: any answer will do. */
  readonly expect: readonly string[];
}

/** Runs on the host; exit status 0 is good. Its output is shown when it is not. */
export interface CommandCheck extends CheckBase {
  readonly kind: 'command';
  readonly script: import('../remote/sh.ts').Script;
}

/** Exactly one host of the VIP's pair has it. Both hosts declare it and are asked; what they say is put together. */
export interface VipCheck extends CheckBase {
  readonly kind: 'vip';
  /** The VIP's name. */
  readonly vip: string;
}

/** A declared look at whether something works. Declared once, it serves verify, load balancers and monitoring. */
export type Check = HttpCheck | TcpCheck | DnsCheck | CommandCheck | VipCheck;

export const httpCheck = (check: Omit<HttpCheck, 'kind'>): HttpCheck => ({ kind: 'http', ...check });
export const tcpCheck = (check: Omit<TcpCheck, 'kind'>): TcpCheck => ({ kind: 'tcp', ...check });
export const dnsCheck = (check: Omit<DnsCheck, 'kind'>): DnsCheck => ({ kind: 'dns', ...check });
export const commandCheck = (check: Omit<CommandCheck, 'kind'>): CommandCheck => ({ kind: 'command', ...check });
export const vipCheck = ({ vip, ...rest }: Omit<VipCheck, 'kind' | 'name'>): VipCheck => ({
  kind: 'vip',
  name: `holder of ${vip}`,
  vip,
  ...rest,
});
