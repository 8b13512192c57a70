import type { Secret } from 'farmctl';
import type { ServedOffer } from './offers.ts';
import type { Service } from './variables.ts';

type CheckType = NonNullable<Service['check']['type']>;

/** How a real server is asked, everything said. */
export interface HealthCheck {
  readonly type: CheckType;
  readonly request: string;
  readonly expect: string;
  readonly host: string;
  /** Undefined: each real server's own. */
  readonly port: number | undefined;
  readonly method: 'GET' | 'HEAD';
  readonly user: string;
  readonly password: Secret | undefined;
  readonly database: string;
  readonly command: string;
  readonly interval: number;
  readonly timeout: number;
  readonly failures: number;
}

interface Mistake {
  /** The argument of `check` that is wrong or missing. */
  readonly field: string;
  readonly detail: string;
}

/** Arguments that only some types use. */
const USES: Readonly<Record<'request' | 'expect' | 'host' | 'user' | 'password' | 'database' | 'command', string>> = {
  request: 'http https dns mysql',
  expect: 'http https dns',
  host: 'http https',
  user: 'mysql',
  password: 'mysql',
  database: 'mysql',
  command: 'external',
};

/** Types that say nothing of a service over UDP: they speak TCP. */
const NEEDS_TCP: readonly CheckType[] = ['http', 'https', 'tcp', 'mysql'];

/** The port of DNS, which ldirectord asks whatever it is told. */
const DNS_PORT = 53;

/** What is wrong with the check of a service: the argument and a sentence; undefined: nothing. */
export function checkMistake({ name, check, protocol }: Service, type: CheckType): Mistake | undefined {
  const wrong = (field: string, detail: string): Mistake => ({ field, detail: `Service ${name}${detail}` });
  for (const [field, types] of Object.entries(USES))
    if (field in check && !types.split(' ').includes(type))
      return wrong(field, `: "${field}" has no meaning for a check of type ${type}.`);
  const missing = (field: string) => wrong(field, `: a check of type ${type} needs "${field}".`);
  if (type === 'dns' && check.request === undefined) return missing('request');
  if (type === 'dns' && check.expect === undefined) return missing('expect');
  if (type === 'dns' && check.port !== undefined && check.port !== DNS_PORT)
    return wrong('port', `: a check of type dns asks port ${DNS_PORT}, whatever "port" says.`);
  if (type === 'mysql' && check.user === undefined) return missing('user');
  if (type === 'mysql' && check.database === undefined) return missing('database');
  if (type === 'external' && check.command === undefined) return missing('command');
  if ((type === 'http' || type === 'https') && check.request !== undefined && !check.request.startsWith('/'))
    return wrong('request', `: the request "${check.request}" is no path: it must begin with a slash.`);
  if (protocol === 'udp' && NEEDS_TCP.includes(type) && check.port === undefined)
    return wrong(
      'type',
      ` is UDP, and a check of type ${type} speaks TCP: take dns, external or ping, or say which TCP port is asked.`,
    );
  const reason = type === 'dns' ? undefined : expressionMistake(check.expect);
  return reason === undefined ? undefined : wrong('expect', `: "expect" is no regular expression: ${reason}.`);
}

function expressionMistake(expect: string | undefined): string | undefined {
  if (expect === undefined) return undefined;
  try {
    new RegExp(expect);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The type of the check where the service does not say: what the served role offers. */
export function checkType({ check, protocol }: Service, port: number, offer: ServedOffer): CheckType {
  if (check.type !== undefined) return check.type;
  if (protocol === 'udp') return 'ping';
  if (offer.healthPath === undefined) return 'tcp';
  return port === offer.tlsPort ? 'https' : 'http';
}

/** Fills in what the service does not say. `port` is that of the real servers where their entry does not say it. */
export function healthCheck(service: Service, type: CheckType, port: number, offer: ServedOffer): HealthCheck {
  const { check, mark } = service;
  const isWeb = type === 'http' || type === 'https';
  const usual = isWeb ? (offer.healthPath ?? '/') : type === 'mysql' ? 'SELECT 1' : '';
  return {
    type,
    request: check.request ?? usual,
    expect: check.expect ?? '',
    host: check.host ?? (isWeb ? (offer.hostHeader ?? '') : ''),
    port: type === 'dns' ? DNS_PORT : (check.port ?? (mark === undefined ? undefined : port)),
    method: check.method,
    user: check.user ?? '',
    password: check.password,
    database: check.database ?? '',
    command: check.command ?? '',
    interval: check.interval,
    timeout: check.timeout,
    failures: check.failures,
  };
}
