import {
  type Content,
  didYouMean,
  directory,
  file,
  ownedDirectory,
  type Resource,
  type RoleContext,
  text,
  type VariablePath,
} from 'farmctl';
import type { ServerVariables, SiteVariables } from './variables.ts';

/** Where a certificate lies on the host. */
interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** One `<VirtualHost>` of a site: plain, or with a certificate. */
export interface Endpoint {
  readonly port: number;
  readonly tls: CertificateFiles | null;
}

const TLS_DIRECTORY = '/etc/apache2/tls';

/** Who may read health pages: the host itself, and the balancers, or all of the farm where none are given. */
export function healthReaders(
  host: RoleContext<unknown>['host'],
  farm: RoleContext<unknown>['farm'],
  lbAddresses: readonly string[],
): readonly string[] {
  const own = host.addresses.map(({ address }) => address);
  const others = lbAddresses.length > 0 ? lbAddresses : farm.networks.map(({ cidr }) => cidr);
  return [...new Set(['127.0.0.1', ...own, ...others])];
}

/** The domain of the farm, for callers that see only a host. */
export function domainOf(host: RoleContext<unknown>['host']): string {
  return host.fqdn.slice(host.name.length + 1);
}

export function docrootOf(site: Pick<SiteVariables, 'docroot' | 'name'>): string {
  return site.docroot ?? `/srv/www/${site.name.toLowerCase()}`;
}

function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

/** Mount points that hold document roots, and whether one of those is on NFS. */
export interface DocrootMounts {
  readonly paths: readonly string[];
  readonly areShared: boolean;
}

/** The mount that a variable names, and those of the host's own NFS mounts that hold one of these document roots. */
export function docrootMounts(
  { host, farm, variables }: Pick<RoleContext<Pick<ServerVariables, 'docrootMount'>>, 'host' | 'farm' | 'variables'>,
  docroots: readonly string[],
): DocrootMounts {
  const own = farm.hosts('nfs/client').find((found) => found.host.name === host.name);
  const shared = (own?.offer.mounts ?? [])
    .map(({ path }) => path)
    .filter((path) => docroots.some((docroot) => isBelow(docroot, path)));
  const named = variables.docrootMount;
  return { paths: [...new Set([...(named === null ? [] : [named]), ...shared])], areShared: shared.length > 0 };
}

export function certificateFiles(name: string): CertificateFiles {
  return { certificate: `${TLS_DIRECTORY}/${name}.crt`, key: `${TLS_DIRECTORY}/${name}.key` };
}

/** The certificates and keys as a directory of Apache's configuration. Keys are root's alone. */
export function certificateResources(certificates: ServerVariables['certificates']): readonly Resource[] {
  if (certificates.length === 0) return [];
  const entries = certificates.flatMap(({ name, certificate, key }) => {
    const paths = certificateFiles(name);
    return [
      file({ path: paths.certificate, content: text(ending(certificate)) }),
      file({ path: paths.key, content: text(`${key.placeholder}\n`), mode: '0600' }),
    ];
  });
  return [ownedDirectory({ path: TLS_DIRECTORY, entries })];
}

function ending(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}

/** The ports that a site answers on: plain always, and HTTPS where it has a certificate. */
export function endpointsOf(variables: ServerVariables, site: { readonly tls: string | null }): readonly Endpoint[] {
  const plain = { port: variables.port, tls: null };
  return site.tls === null ? [plain] : [plain, { port: variables.tlsPort, tls: certificateFiles(site.tls) }];
}

/** Refuses names that two sites claim, certificates that nobody gave, and lines that would end the virtual host. */
export function checkSites(
  variables: ServerVariables,
  sites: readonly Pick<SiteVariables, 'name' | 'aliases' | 'tls' | 'redirectToTls' | 'extra' | 'healthPath'>[],
  reject: RoleContext<unknown>['reject'],
): void {
  const { certificates, port, tlsPort, statusPort } = variables;
  if (new Set([port, tlsPort, statusPort]).size < 3)
    reject('port', `The ports ${port} (port), ${tlsPort} (tlsPort) and ${statusPort} (statusPort) must differ.`);
  const known = certificates.map(({ name }) => name);
  const twice = known.findIndex((name, index) => known.indexOf(name) !== index);
  if (twice !== -1) reject(['certificates', twice, 'name'], `Two certificates have the name "${known[twice]}".`);
  const owners = new Map<string, string>();
  for (const [index, site] of sites.entries()) {
    const at = (key: string): VariablePath => ['vhosts', index, key];
    for (const name of [site.name, ...site.aliases].map((one) => one.toLowerCase())) {
      const owner = owners.get(name);
      if (owner !== undefined)
        reject(['vhosts', index], `The name ${name} is claimed by ${owner} and by ${site.name}.`);
      owners.set(name, site.name);
    }
    if (site.tls !== null && !known.includes(site.tls)) {
      const detail = `${site.name} wants the certificate "${site.tls}", which is not in certificates.${didYouMean(site.tls, known)}`;
      reject(at('tls'), detail, known.length > 0 ? `There is ${known.join(', ')}.` : 'Add it to certificates.');
    }
    if (site.redirectToTls && site.tls === null)
      reject(at('redirectToTls'), `${site.name} has redirectToTls, but no certificate.`, 'Give it tls as well.');
    if (/<\s*\/?\s*VirtualHost\b/i.test(site.extra))
      reject(at('extra'), `The extra lines of ${site.name} open or close a virtual host.`);
    if (site.healthPath === '/lb-alive') reject(at('healthPath'), `${site.name}: /lb-alive is the catch-all's.`);
  }
}

function parents(path: string, top: string): readonly string[] {
  const found: string[] = [];
  for (let at = path.lastIndexOf('/'); at > top.length; at = path.lastIndexOf('/', at - 1))
    found.unshift(path.slice(0, at));
  return found;
}

/**
 * The document roots and the few files that come with the configuration. What lies below a mount belongs to whoever
 * fills it: nothing is made there.
 */
export function docrootResources(
  mounts: DocrootMounts,
  sites: readonly Pick<SiteVariables, 'name' | 'docroot' | 'createDocroot' | 'owner' | 'group' | 'files'>[],
  reject: RoleContext<unknown>['reject'],
): readonly Resource[] {
  const made = new Map<string, Resource>();
  const make = (path: string, owner: string, group: string) => {
    if (!made.has(path)) made.set(path, directory({ path, owner, group }));
  };
  const files = new Map<string, { readonly content: Content; readonly owner: string; readonly group: string }>();
  for (const [index, site] of sites.entries()) {
    const docroot = docrootOf(site);
    const { owner, group } = site;
    if (!site.createDocroot || mounts.paths.some((path) => isBelow(docroot, path))) {
      if (site.files.length === 0) continue;
      reject(
        ['vhosts', index, 'files'],
        `${site.name} has files, but others make its document root (createDocroot, a mount).`,
      );
    }
    if (docroot.startsWith('/srv/www/')) make('/srv/www', 'root', 'root');
    make(docroot, owner, group);
    for (const [number, one] of site.files.entries()) {
      const path = `${docroot}/${one.path}`;
      if (files.has(path)) reject(['vhosts', index, 'files', number], `${site.name}: the file ${path} is there twice.`);
      for (const parent of parents(path, docroot)) make(parent, owner, group);
      files.set(path, { content: text(one.text), owner, group });
    }
  }
  return [...made.values(), ...[...files].map(([path, rest]) => file({ path, ...rest }))];
}
