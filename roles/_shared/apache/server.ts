import {
  commandCheck,
  dropIn,
  file,
  httpCheck,
  ownedDirectory,
  packages,
  type Resource,
  type RoleContext,
  type Script,
  service,
  sh,
  symlink,
  sysctl,
  text,
} from 'farmctl';
import { chooseModules, type Module, moduleLinks } from './modules.ts';
import { certificateFiles, certificateResources, type DocrootMounts, type Endpoint } from './sites.ts';
import type { ServerVariables } from './variables.ts';
import { checkWorkers, needsRestart } from './workers.ts';

/** What one role serves, for the Apache that both roles set up alike. */
export interface Server<V extends ServerVariables> {
  readonly context: RoleContext<V>;
  /** Modules that its virtual hosts use. */
  readonly modules: readonly Module[];
  /** File name without `.conf` and the resource's content. */
  readonly sites: readonly { readonly file: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** Name of a site, its document root, and the certificate it uses. */
  readonly docroots: readonly { readonly name: string; readonly docroot: string }[];
  readonly mounts: DocrootMounts;
  readonly tls: readonly string[];
}

const AVAILABLE = '/etc/apache2/sites-available';

function catchAllEndpoints(variables: ServerVariables, tls: readonly string[]): readonly Endpoint[] {
  const plain = { port: variables.port, tls: null };
  const [first] = tls;
  return first === undefined ? [plain] : [plain, { port: variables.tlsPort, tls: certificateFiles(first) }];
}

function listenLines(variables: ServerVariables, tls: boolean): readonly string[] {
  const ports = tls ? [variables.port, variables.tlsPort] : [variables.port];
  const public_ = ports.flatMap((port) =>
    variables.addresses.length === 0 ? [`${port}`] : variables.addresses.map((address) => `${address}:${port}`),
  );
  return [...public_, `127.0.0.1:${variables.statusPort}`];
}

function modulesOf<V extends ServerVariables>({ context, modules, tls }: Server<V>): readonly Module[] {
  const { variables, reject } = context;
  const needed = [...modules];
  if (tls.length > 0) needed.push('ssl');
  if (variables.lbAddresses.length > 0) needed.push('remoteip');
  const chosen = chooseModules({ needed, added: variables.modules, left: variables.withoutModules });
  if (chosen.refused.length > 0)
    reject('withoutModules', `The configuration needs ${chosen.refused.join(', ')}, which cannot be left out.`);
  return chosen.modules;
}

/**
 * Asks Apache's own parser about the set, and looks at what it does not: a document root that is missing is only a
 * warning to it, and a key that does not belong to its certificate ends the running server at a reload.
 */
function validateScript(docroots: Server<ServerVariables>['docroots'], tls: readonly string[]): Script {
  const keys = tls.map((name) => certificateFiles(name));
  return sh`r=0
apache2ctl -t || r=1
docroot() {
  [ -d "$2" ] && return
  printf 'the document root %s of %s does not exist\n' "$2" "$1" >&2
  r=1
}
pair() {
  of_certificate=$(openssl x509 -in "$1" -noout -pubkey) && of_key=$(openssl pkey -in "$2" -pubout -passin pass:) &&
    [ "$of_certificate" = "$of_key" ] && return
  printf '%s is not the key of %s\n' "$2" "$1" >&2
  r=1
}
${lines(docroots.map(({ name, docroot }) => sh`docroot ${name} ${docroot}`))}
${lines(keys.map(({ certificate, key }) => sh`pair ${certificate} ${key}`))}
exit $r`;
}

function lines(scripts: readonly Script[]): Script {
  return scripts.reduce(
    (all, one) => sh`${all}${one}
`,
    sh``,
  );
}

/**
 * The proof that the processes serve this set: the word that only this set's status page says, from an event MPM, and
 * an answer on the public port. Old processes may answer for a moment after a reload, so it asks again for 30 s.
 */
function verifyScript(variables: ServerVariables, word: string): Script {
  const status = `http://127.0.0.1:${variables.statusPort}/server-status?auto`;
  const alive = `http://${variables.addresses[0] ?? '127.0.0.1'}:${variables.port}/lb-alive`;
  return sh`proven() {
  why='apache2.service is not active'
  systemctl is-active -q apache2.service || return 1
  why='the running Apache does not serve the new configuration'
  page=$(curl -q -s -m 5 --noproxy '*' -w '\nloaded %header{farmctl-config}\n' ${status}) || return 1
  printf '%s\n' "$page" | grep -qx ${`loaded ${word}`} || return 1
  why='the running Apache does not use the event MPM'
  printf '%s\n' "$page" | grep -qi '^ServerMPM: event' || return 1
  why=${`${alive} is not answered with 204`}
  [ "$(curl -q -s -m 5 --noproxy '*' -o /dev/null -w '%{http_code}' ${alive})" = 204 ]
}
i=0
until proven; do
  i=$((i + 1))
  [ "$i" -lt 60 ] || { printf '%s\n' "$why" >&2; exit 1; }
  sleep 0.5
done`;
}

/** The configuration that an Apache of these roles reads, whole: nothing else in its directories is loaded. */
function configOf<V extends ServerVariables>(server: Server<V>): { config: readonly Resource[]; word: string } {
  const { host, variables, render } = server.context;
  const { sites, tls, mounts } = server;
  const sharedStorage = variables.sharedStorage || mounts.areShared;
  const settings = { ...variables, sharedStorage, fqdn: host.fqdn, hasTls: tls.length > 0 };
  const page = (path: string, template: string, data: Readonly<Record<string, unknown>>) => ({
    path,
    content: render(template, data),
  });
  const files = [
    page('/etc/apache2/apache2.conf', 'apache-main.conf.hbs', {}),
    page('/etc/apache2/envvars', 'apache-envvars.hbs', settings),
    page('/etc/apache2/ports.conf', 'apache-ports.conf.hbs', { listen: listenLines(variables, tls.length > 0) }),
    page('/etc/apache2/mods-available/mpm_event.conf', 'apache-mpm.conf.hbs', settings),
    page('/etc/apache2/conf-available/zz-farmctl.conf', 'apache-settings.conf.hbs', settings),
    page(`${AVAILABLE}/000-catchall.conf`, 'apache-catchall.conf.hbs', {
      endpoints: catchAllEndpoints(variables, tls),
    }),
    ...sites.map((site) => page(`${AVAILABLE}/${site.file}.conf`, 'vhost.conf.hbs', site.data)),
  ];
  const links = moduleLinks(modulesOf(server));
  const certificates = server.context.variables.certificates.map(({ name, certificate }) => `${name} ${certificate}`);
  const whole = [...files.map(({ path, content }) => `${path} ${content.digest}`), ...links.map(({ id }) => id)];
  const word = text([...whole, ...certificates].join('\n')).digest.slice(0, 16);
  const enabled = ['000-catchall', '001-status', ...sites.map((site) => site.file)];
  const status = page(`${AVAILABLE}/001-status.conf`, 'apache-status.conf.hbs', { ...settings, word });
  return {
    word,
    config: [
      ...certificateResources(variables.certificates),
      ...[...files, status].map((one) => file(one)),
      ownedDirectory({ path: '/etc/apache2/mods-enabled', entries: [...links] }),
      ownedDirectory({ path: '/etc/apache2/conf-enabled', entries: [linkTo('conf', 'zz-farmctl')] }),
      ownedDirectory({ path: '/etc/apache2/sites-enabled', entries: enabled.map((name) => linkTo('sites', name)) }),
      ...afterMounts('apache2.service', mounts),
    ],
  };
}

/** Lets systemd start a unit after these mounts, and stop it before they go. */
export function afterMounts(unit: string, { paths }: DocrootMounts): readonly Resource[] {
  if (paths.length === 0) return [];
  return [dropIn({ unit, content: text(`[Unit]\nRequiresMountsFor=${paths.join(' ')}\n`) })];
}

function linkTo(kind: 'conf' | 'sites', name: string): Resource {
  return symlink({ path: `/etc/apache2/${kind}-enabled/${name}.conf`, target: `../${kind}-available/${name}.conf` });
}

/**
 * Packages, limits and the service of an Apache, after the role's own resources.
 * @param extra packages that the role needs besides
 */
export function apacheResources<V extends ServerVariables>(
  server: Server<V>,
  more: { readonly packages: readonly string[]; readonly before: readonly Resource[] },
): readonly Resource[] {
  const { variables, reject } = server.context;
  checkWorkers(variables, reject);
  const { config, word } = configOf(server);
  const tls = variables.certificates.map(({ name }) => name);
  const needed = ['apache2', 'curl', ...(tls.length > 0 ? ['openssl'] : []), ...more.packages];
  const backlog =
    variables.listenBacklog > 4096 ? [sysctl({ key: 'net.core.somaxconn', value: `${variables.listenBacklog}` })] : [];
  return [
    packages(needed),
    ...backlog,
    ...more.before,
    service({ unit: 'apache-htcacheclean.service', enabled: false, active: false, config: [] }),
    service({
      unit: 'apache2.service',
      enabled: true,
      active: true,
      config,
      validate: validateScript(server.docroots, tls),
      checkers: ['/usr/sbin/apache2ctl', ...(tls.length > 0 ? ['/usr/bin/openssl'] : [])],
      restartWhen: needsRestart,
      verify: verifyScript(variables, word),
    }),
  ];
}

/** The address that a check asks: the host's own where Apache listens on it. */
export function checkAddress<V extends ServerVariables>({
  host,
  variables,
}: Pick<RoleContext<V>, 'host' | 'variables'>): string {
  const own = host.address();
  const { addresses } = variables;
  return addresses.length === 0 || addresses.includes(own) ? own : (addresses[0] ?? own);
}

/** The checks of every Apache: each site's health page, the refusal of unknown names, and the balancer's sign of life. */
export function apacheChecks<V extends ServerVariables>(
  context: Pick<RoleContext<V>, 'host' | 'variables'>,
  sites: readonly { readonly name: string; readonly healthPath: string; readonly tls: string | null }[],
) {
  const { port, tlsPort } = context.variables;
  const address = checkAddress(context);
  const asked = (name: string, serverName: string, path: string, expectStatus: number) =>
    httpCheck({ name, serverName, path, expectStatus, address, port });
  const unknown = 'unknown.invalid';
  return [
    asked('alive', unknown, '/lb-alive', 204),
    asked('unknown name refused', unknown, '/', 403),
    ...sites.flatMap(({ name, healthPath, tls }) => {
      const health = asked(`health ${name}`, name, healthPath, 200);
      if (tls === null) return [health];
      return [
        health,
        { ...health, name: `HTTPS health ${name}`, port: tlsPort, tls: true },
        commandCheck({ name: `certificate ${name}`, script: expiryScript(tls) }),
      ];
    }),
  ];
}

function expiryScript(name: string): Script {
  return sh`openssl x509 -in ${certificateFiles(name).certificate} -noout -enddate -checkend 1209600 ||
  { echo 'it ends within 14 days' >&2; exit 1; }`;
}
