import { describe, expect, it } from 'vitest';
import { needsRestart } from '../../roles/_shared/apache/workers.ts';
import { fileText, mistakes, outline, rehearse } from './harness.ts';

/** An inventory with one app server, whose variables are given as JSON, which YAML reads too. */
function inventory(variables: Record<string, unknown>): string {
  return `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers:
  app:
    roles:
      - apache-app: ${JSON.stringify(variables)}
    hosts: { app1: { web: 10.77.0.21 } }
`;
}

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

async function resourcesOf(variables: Record<string, unknown>) {
  return (await rehearse(inventory(variables))).part('app1', 'apache-app').resources;
}

describe('apache-app', () => {
  it('sets up one virtual host and one pool where nothing is said', async () => {
    const { resources, checks } = (await rehearse(inventory({}))).part('app1', 'apache-app');
    expect(outline(resources)).toMatchInlineSnapshot(`
      "packages apache2 curl php8.2-fpm php8.2-mysql
      directory /srv/www
      directory /srv/www/www.farm.example
      directory /usr/local/share/farmctl
      file /usr/local/share/farmctl/healthz.php
      service phpsessionclean.timer
      service php8.2-fpm.service
        file /etc/php/8.2/fpm/php-fpm.conf
        ownedDirectory /etc/php/8.2/fpm/pool.d
          app.conf
      service apache-htcacheclean.service
      service apache2.service
        file /etc/apache2/apache2.conf
        file /etc/apache2/envvars
        file /etc/apache2/ports.conf
        file /etc/apache2/mods-available/mpm_event.conf
        file /etc/apache2/conf-available/zz-farmctl.conf
        file /etc/apache2/sites-available/000-catchall.conf
        file /etc/apache2/sites-available/vhost-www.farm.example.conf
        file /etc/apache2/sites-available/001-status.conf
        ownedDirectory /etc/apache2/mods-enabled
          mpm_event.load
          mpm_event.conf
          alias.load
          alias.conf
          authz_core.load
          authz_host.load
          deflate.load
          deflate.conf
          dir.load
          dir.conf
          env.load
          expires.load
          filter.load
          headers.load
          mime.load
          mime.conf
          proxy.load
          proxy.conf
          proxy_fcgi.load
          reqtimeout.load
          reqtimeout.conf
          rewrite.load
          setenvif.load
          setenvif.conf
          status.load
        ownedDirectory /etc/apache2/conf-enabled
          zz-farmctl.conf
        ownedDirectory /etc/apache2/sites-enabled
          000-catchall.conf
          001-status.conf
          vhost-www.farm.example.conf
      "
    `);
    expect(checks.map((check) => check.name)).toMatchInlineSnapshot(`
      [
        "alive",
        "unknown name refused",
        "health www.farm.example",
      ]
    `);
  });

  it('writes the files of a virtual host with PHP', async () => {
    const resources = await resourcesOf({
      vhosts: [
        {
          name: 'www.farm.example',
          aliases: ['farm.example'],
          frontController: '/index.php',
          extra: 'Header set A b\n',
        },
      ],
      pools: [{ name: 'app', env: { MODE: 'live' }, phpValues: { 'date.timezone': 'UTC', 'opcache.enable': true } }],
    });
    const site = '/etc/apache2/sites-available/vhost-www.farm.example.conf';
    expect(fileText(resources, site)).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      <VirtualHost *:80>
          ServerName www.farm.example
          ServerAlias farm.example
          DocumentRoot /srv/www/www.farm.example
          DirectoryIndex index.php index.html
          <Directory /srv/www/www.farm.example>
              Options -Indexes +SymLinksIfOwnerMatch
              AllowOverride None
              Require all granted
              FallbackResource /index.php
          </Directory>
          # Only files that are there reach PHP: for all others Apache says 404 itself.
          <FilesMatch "\\.php$">
              <If "-f %{REQUEST_FILENAME}">
                  SetHandler "proxy:unix:/run/php/app.sock|fcgi://app"
              </If>
          </FilesMatch>
          <Proxy "fcgi://app">
              ProxySet timeout=30 connectiontimeout=2
          </Proxy>
          Alias /healthz /usr/local/share/farmctl/healthz.php
          SetEnv FARMCTL_HEALTH_FILE ""
          <Location /healthz>
              Require ip 127.0.0.1 10.77.0.21 10.77.0.0/24
          </Location>
          SetEnvIf Request_URI "^/healthz$" nolog
          ErrorLog \${APACHE_LOG_DIR}/www.farm.example-error.log
          CustomLog \${APACHE_LOG_DIR}/www.farm.example-access.log combined env=!nolog
          Header set A b
      </VirtualHost>
      "
    `);
    expect(fileText(resources, '/etc/php/8.2/fpm/pool.d/app.conf')).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      [app]
      user = www-data
      group = www-data
      listen = /run/php/app.sock
      listen.owner = www-data
      listen.group = www-data
      listen.mode = 0660
      listen.backlog = 1024
      pm = static
      pm.max_children = 8
      pm.max_requests = 1000
      pm.status_path = /fpm-status
      ping.path = /fpm-ping
      ; Names the configuration that the answering process has loaded.
      ping.response = 1343d91907ebab77
      request_terminate_timeout = 30s
      catch_workers_output = yes
      decorate_workers_output = no
      clear_env = yes
      env[MODE] = 'live'
      php_admin_value[memory_limit] = 64M
      php_admin_flag[display_errors] = off
      php_admin_flag[log_errors] = on
      php_admin_value[date.timezone] = 'UTC'
      php_admin_value[opcache.enable] = '1'
      "
    `);
    expect(fileText(resources, '/etc/apache2/conf-available/zz-farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      ServerName app1.farm.example
      ServerTokens Prod
      ServerSignature Off
      TraceEnable Off
      Timeout 60
      KeepAlive On
      KeepAliveTimeout 3
      MaxKeepAliveRequests 1000
      # On NFS a mapped file that is truncated kills the process, and sendfile may send stale pages.
      EnableSendfile Off
      EnableMMAP Off
      # Without inodes, so that every web server gives a file the same tag.
      FileETag MTime Size
      "
    `);
    expect(fileText(resources, '/etc/apache2/ports.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      Listen 80
      Listen 127.0.0.1:8081
      "
    `);
  });

  it('passes a virtual host on to an application, believes balancers, and waits for the mount', async () => {
    const resources = await resourcesOf({
      lbAddresses: ['10.77.0.2'],
      docrootMount: '/srv/nfs',
      vhosts: [
        { name: 'api.farm.example', proxyTo: 'http://127.0.0.1:9000', healthPath: '/status' },
        { name: 'www.farm.example', docroot: '/srv/nfs/www' },
      ],
    });
    expect(outline(resources)).not.toMatch(/^directory \/srv/m);
    expect(outline(resources)).toMatch(/proxy_http\.load[\s\S]*remoteip\.load[\s\S]*dropIn apache2\.service farmctl/);
    const site = fileText(resources, '/etc/apache2/sites-available/vhost-api.farm.example.conf');
    expect(site).toContain('ProxyPass "/" "http://127.0.0.1:9000/" connectiontimeout=2 timeout=30');
    expect(site).not.toContain('DocumentRoot');
    expect(site).toContain('Require ip 127.0.0.1 10.77.0.21 10.77.0.2\n');
    const settings = fileText(resources, '/etc/apache2/conf-available/zz-farmctl.conf');
    expect(settings).toContain('RemoteIPInternalProxy 10.77.0.2');
  });

  it('gives a virtual host TLS, with a key that nobody sees', async () => {
    const text = inventory({ vhosts: [{ name: 'www.farm.example', tls: 'www', redirectToTls: true }] }).replace(
      '"vhosts"',
      `"certificates": [{ "name": "www", "certificate": ${JSON.stringify(CERTIFICATE)}, "key": !env FARMCTL_TEST_KEY }], "vhosts"`,
    );
    const rehearsal = await rehearse(text, { environment: { FARMCTL_TEST_KEY: 'canary-5dd6f0' } });
    const { resources, checks } = rehearsal.part('app1', 'apache-app');
    expect(fileText(resources, '/etc/apache2/tls/www.key')).toBe('(sensitive)\n');
    expect(fileText(resources, '/etc/apache2/ports.conf')).toMatch(/^Listen 80\nListen 443\nListen 127.0.0.1:8081$/m);
    const site = fileText(resources, '/etc/apache2/sites-available/vhost-www.farm.example.conf');
    expect(site).toContain('RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L,NE]');
    expect(site.match(/<VirtualHost \*:443>[\s\S]*SSLCertificateKeyFile \/etc\/apache2\/tls\/www\.key/)).not.toBeNull();
    expect(fileText(resources, '/etc/apache2/sites-available/000-catchall.conf')).toContain('<VirtualHost *:443>');
    expect(outline(resources)).toContain('    socache_shmcb.load\n');
    expect(checks.map((check) => check.name)).toContain('certificate www.farm.example');
    const offer = rehearsal.resolved.view.hosts('apache-app')[0]?.offer;
    expect(offer).toEqual({
      port: 80,
      tlsPort: 443,
      healthPath: '/healthz',
      hostHeader: 'www.farm.example',
      addresses: [],
    });
    expect(JSON.stringify({ resources, checks })).not.toContain('canary-5dd6f0');
  });

  it('says another word whenever the set changes, and the same for the same set', async () => {
    const word = async (variables: Record<string, unknown>) =>
      /Farmctl-Config "(.*)"/.exec(
        fileText(await resourcesOf(variables), '/etc/apache2/sites-available/001-status.conf'),
      )?.[1];
    const words = await Promise.all([{}, {}, { timeout: 61 }, { modules: ['http2'] }, { openFiles: 70000 }].map(word));
    expect(words[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(words[1]).toBe(words[0]);
    expect(new Set(words).size).toBe(4);
  });

  it('asks for a restart only for what a reload does not reach', () => {
    const set = (path: string, content: string) => JSON.stringify(needsRestart(new Map([[path, content]])));
    const mpm = '/etc/apache2/mods-available/mpm_event.conf';
    expect(set(mpm, 'MaxRequestWorkers 100\nServerLimit 16\n')).toBe(
      set(mpm, 'MaxRequestWorkers 400\n  ServerLimit \t16'),
    );
    expect(set(mpm, 'ServerLimit 16\n')).not.toBe(set(mpm, 'ServerLimit 17\n'));
    expect(set(mpm, 'ThreadLimit 64\n')).not.toBe(set(mpm, 'ThreadLimit 65\n'));
    expect(set('/etc/apache2/ports.conf', 'Listen 80\n')).not.toBe(set('/etc/apache2/ports.conf', 'listen 81\n'));
    const envvars = '/etc/apache2/envvars';
    expect(set(envvars, '# a\nX=1\n')).toBe(set(envvars, '# b\nX=1\n'));
    expect(set(envvars, 'X=1\n')).not.toBe(set(envvars, 'X=2\n'));
    const site = '/etc/apache2/sites-available/vhost-a.conf';
    expect(set(site, '<VirtualHost *:80>\nServerName a\n')).toBe(set(site, '<VirtualHost *:80>\nServerName b\n'));
  });
});

describe('apache-app refuses', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a port', { port: 0 }, /port/],
    ['a TLS port', { tlsPort: 65536 }, /tlsPort/],
    ['an address', { addresses: ['10.77.0.256'] }, /addresses/],
    ['a status port', { statusPort: 'x' }, /statusPort/],
    ['workers', { workers: 0 }, /workers/],
    ['threads', { threadsPerChild: 0 }, /threadsPerChild/],
    ['a server limit', { serverLimit: 20001 }, /serverLimit/],
    ['a thread limit', { threadLimit: 0 }, /threadLimit/],
    ['servers at the start', { startServers: 0 }, /startServers/],
    ['spare threads', { minSpareThreads: 0 }, /minSpareThreads/],
    ['most spare threads', { maxSpareThreads: 0 }, /maxSpareThreads/],
    ['an asynchronous factor', { asyncFactor: 0 }, /asyncFactor/],
    ['connections of a process', { maxConnectionsPerChild: -1 }, /maxConnectionsPerChild/],
    ['a backlog', { listenBacklog: 65536 }, /listenBacklog/],
    ['a timeout', { timeout: 0 }, /timeout/],
    ['a time to keep connections', { keepAliveTimeout: 301 }, /keepAliveTimeout/],
    ['requests of a connection', { maxKeepAliveRequests: -1 }, /maxKeepAliveRequests/],
    ['open files', { openFiles: 524289 }, /openFiles/],
    ['a word for yes', { sharedStorage: 'yes' }, /sharedStorage/],
    ['a mount', { docrootMount: 'srv' }, /docrootMount/],
    ['a log switch', { accessLog: 1 }, /accessLog/],
    ['an unknown module', { modules: ['mpm_prefork'] }, /mpm_prefork|modules/],
    ['an unknown module to leave out', { withoutModules: ['php8.2'] }, /withoutModules/],
    ['a balancer', { lbAddresses: ['10.77.0.0/33'] }, /lbAddresses/],
    ['a certificate', { certificates: [{ name: 'a', certificate: 'x' }] }, /certificate/],
    ['a virtual host without a name', { vhosts: [{}] }, /name/],
    ['a name', { vhosts: [{ name: 'a_b' }] }, /name/],
    ['an alias', { vhosts: [{ name: 'a', aliases: ['*'] }] }, /aliases/],
    ['a document root', { vhosts: [{ name: 'a', docroot: '/srv/../etc' }] }, /docroot/],
    ['a document root with a quote', { vhosts: [{ name: 'a', docroot: '/srv/"x' }] }, /docroot/],
    ['an owner', { vhosts: [{ name: 'a', owner: 'A B' }] }, /owner/],
    ['a group', { vhosts: [{ name: 'a', group: '-' }] }, /group/],
    ['a file outside', { vhosts: [{ name: 'a', files: [{ path: '../x', text: '' }] }] }, /path/],
    ['a health path', { vhosts: [{ name: 'a', healthPath: 'healthz' }] }, /healthPath/],
    ['a health file', { vhosts: [{ name: 'a', healthFile: '/etc/passwd' }] }, /healthFile/],
    ['a URL', { vhosts: [{ name: 'a', proxyTo: 'unix:/x' }] }, /proxyTo/],
    ['a time for the application', { vhosts: [{ name: 'a', backendTimeout: 0 }] }, /backendTimeout/],
    ['an index', { vhosts: [{ name: 'a', directoryIndex: [] }] }, /directoryIndex/],
    ['a front controller', { vhosts: [{ name: 'a', frontController: 'index.php' }] }, /frontController/],
    ['no pool', { pools: [] }, /pools/],
    ['the name of a pool', { pools: [{ name: 'A' }] }, /name/],
    ['the kind of a pool', { pools: [{ name: 'a', pm: 'some' }] }, /pm/],
    ['children', { pools: [{ name: 'a', maxChildren: 0 }] }, /maxChildren/],
    ['requests of a child', { pools: [{ name: 'a', maxRequests: -1 }] }, /maxRequests/],
    ['a time for a request', { pools: [{ name: 'a', terminateTimeout: 0 }] }, /terminateTimeout/],
    ['memory', { pools: [{ name: 'a', memoryLimit: '64MB' }] }, /memoryLimit/],
    ['a user', { pools: [{ name: 'a', user: 'Root' }] }, /user/],
    ['an environment', { pools: [{ name: 'a', env: { A: "it's" } }] }, /env/],
    ['a secret in the open', { pools: [{ name: 'a', secretEnv: { A: 'b' } }] }, /secret/],
    ['a setting of PHP', { pools: [{ name: 'a', phpValues: { 'A B': 1 } }] }, /phpValues/],
    ['a time for reloads', { controlTimeout: 61 }, /controlTimeout/],
    ['an extension', { phpExtensions: ['../x'] }, /phpExtensions/],
  ])('%s out of range', async (_, variables, place) => {
    const found = await mistakes(inventory(variables), 'app1');
    expect(found.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(0);
    expect(found.map(({ detail, hint }) => `${detail} ${hint}`).join('\n')).toMatch(place);
    expect(found.every(({ at }) => at !== undefined)).toBe(true);
  });

  it.each<[string, Record<string, unknown>]>([
    ['more workers than fit', { workers: 825 }],
    ['workers that Apache would round down', { workers: 410 }],
    ['more threads than the limit', { threadsPerChild: 100, workers: 400 }],
    ['spare threads that Apache would raise', { minSpareThreads: 60 }],
    ['two uses of one port', { statusPort: 80 }],
    ['a name with two owners', { vhosts: [{ name: 'a.example' }, { name: 'b.example', aliases: ['A.example'] }] }],
    ['an unknown pool', { vhosts: [{ name: 'a.example', pool: 'web' }] }],
    ['an unknown certificate', { vhosts: [{ name: 'a.example', tls: 'www' }] }],
    ['a redirection to nowhere', { vhosts: [{ name: 'a.example', redirectToTls: true }] }],
    ['lines that end the virtual host', { vhosts: [{ name: 'a.example', extra: '</VirtualHost>\nListen 99' }] }],
    ['two pools of a name', { pools: [{ name: 'app' }, { name: 'app' }] }],
    ['a dynamic pool out of order', { pools: [{ name: 'app', pm: 'dynamic', minSpare: 4 }] }],
    ['a module that is needed', { withoutModules: ['rewrite'] }],
    [
      'files where others fill',
      { docrootMount: '/srv', vhosts: [{ name: 'a.example', files: [{ path: 'x', text: '' }] }] },
    ],
  ])('%s', async (_, variables) => {
    const found = await mistakes(inventory(variables), 'app1');
    expect(found.map(({ code }) => code)).toEqual(['variables/rejected']);
    expect(found[0]?.at?.line).toBe(8);
    expect(`${found[0]?.detail}\n${found[0]?.hint ?? ''}`).toMatchSnapshot();
  });
});
