import { describe, expect, it } from 'vitest';
import { fileText, mistakes, outline, rehearse } from './harness.ts';

/** An inventory with one media server, whose variables are given as JSON, which YAML reads too. */
function inventory(variables: Record<string, unknown>): string {
  return `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers:
  media:
    roles:
      - apache-media: ${JSON.stringify(variables)}
    hosts: { media1: { web: 10.77.0.31 } }
`;
}

async function partOf(variables: Record<string, unknown>) {
  return (await rehearse(inventory(variables))).part('media1', 'apache-media');
}

const SITE = '/etc/apache2/sites-available/vhost-static.farm.example.conf';

describe('apache-media', () => {
  it('sets up one virtual host where nothing is said', async () => {
    const { resources, checks } = await partOf({});
    expect(outline(resources)).toMatchInlineSnapshot(`
      "packages apache2 curl
      directory /srv/www
      directory /srv/www/static.farm.example
      directory /usr/local/share/farmctl
      file /usr/local/share/farmctl/healthz.txt
      service apache-htcacheclean.service
      service apache2.service
        file /etc/apache2/apache2.conf
        file /etc/apache2/envvars
        file /etc/apache2/ports.conf
        file /etc/apache2/mods-available/mpm_event.conf
        file /etc/apache2/conf-available/zz-farmctl.conf
        file /etc/apache2/sites-available/000-catchall.conf
        file /etc/apache2/sites-available/vhost-static.farm.example.conf
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
          vhost-static.farm.example.conf
      "
    `);
    expect(checks.map((check) => check.name)).toMatchInlineSnapshot(`
      [
        "alive",
        "unknown name refused",
        "health static.farm.example",
        "caching static.farm.example",
      ]
    `);
    expect(fileText(resources, SITE)).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      <VirtualHost *:80>
          ServerName static.farm.example
          DocumentRoot /srv/www/static.farm.example
          DirectoryIndex index.html
          <Directory /srv/www/static.farm.example>
              Options -Indexes +FollowSymLinks
              AllowOverride None
              Require all granted
          </Directory>
          <Location />
              <LimitExcept GET HEAD>
                  Require all denied
              </LimitExcept>
          </Location>

          RewriteEngine On
          # Healthy only while the files can be reached.
          RewriteCond /srv/www/static.farm.example !-d
          RewriteRule "^/healthz$" - [R=503,L]
          RewriteRule "^/healthz$" - [END]
          Alias /healthz /usr/local/share/farmctl/healthz.txt
          <Location /healthz>
              Require ip 127.0.0.1 10.77.0.31 10.77.0.0/24
              ForceType text/plain
              ExpiresActive Off
              Header always set Cache-Control no-store
          </Location>

          ExpiresActive On
          ExpiresDefault "access plus 3600 seconds"
          ExpiresByType image/png "access plus 2592000 seconds"
          ExpiresByType image/jpeg "access plus 2592000 seconds"
          ExpiresByType image/gif "access plus 2592000 seconds"
          ExpiresByType image/webp "access plus 2592000 seconds"
          ExpiresByType image/svg+xml "access plus 2592000 seconds"
          ExpiresByType font/woff2 "access plus 2592000 seconds"
          ExpiresByType text/css "access plus 604800 seconds"
          ExpiresByType text/javascript "access plus 604800 seconds"
          <FilesMatch "(?:\\.[0-9a-f]{8,}\\.(?:css|js|mjs|png|jpe?g|gif|webp|svg|woff2))(?:\\.gz|\\.br)?$">
              ExpiresActive Off
              Header set Cache-Control "public, max-age=31536000, immutable"
          </FilesMatch>
          Header always set X-Content-Type-Options nosniff

          # A file beside the wanted one, NAME.gz, is sent in its place to those who can read it.
          RewriteCond %{HTTP:Accept-Encoding} "\\bgzip\\b(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))"
          RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI}.gz -s
          RewriteRule "^(.+)\\.(css|html|js|json|mjs|svg|txt|xml)$" "$1.$2.gz" [E=no-gzip:1,E=no-brotli:1,L]
          <FilesMatch "\\.css\\.gz$">
              ForceType text/css
          </FilesMatch>
          <FilesMatch "\\.html\\.gz$">
              ForceType text/html
          </FilesMatch>
          <FilesMatch "\\.js\\.gz$">
              ForceType text/javascript
          </FilesMatch>
          <FilesMatch "\\.json\\.gz$">
              ForceType application/json
          </FilesMatch>
          <FilesMatch "\\.mjs\\.gz$">
              ForceType text/javascript
          </FilesMatch>
          <FilesMatch "\\.svg\\.gz$">
              ForceType image/svg+xml
          </FilesMatch>
          <FilesMatch "\\.txt\\.gz$">
              ForceType text/plain
          </FilesMatch>
          <FilesMatch "\\.xml\\.gz$">
              ForceType text/xml
          </FilesMatch>
          <FilesMatch "\\.(css|html|js|json|mjs|svg|txt|xml)\\.gz$">
              RemoveEncoding .gz
              RemoveLanguage .gz
              Header set Content-Encoding gzip
              SetEnv no-gzip 1
              SetEnv no-brotli 1
          </FilesMatch>
          <FilesMatch "\\.(css|html|js|json|mjs|svg|txt|xml)(\\.gz|\\.br)?$">
              Header merge Vary Accept-Encoding
          </FilesMatch>

          SetEnvIf Request_URI "^/healthz$" nolog
          ErrorLog \${APACHE_LOG_DIR}/static.farm.example-error.log
          CustomLog \${APACHE_LOG_DIR}/static.farm.example-access.log common env=!nolog
      </VirtualHost>
      "
    `);
    expect(fileText(resources, '/etc/apache2/mods-available/mpm_event.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      ServerLimit             32
      ThreadLimit             64
      ThreadsPerChild         64
      MaxRequestWorkers       1024
      StartServers            2
      MinSpareThreads         25
      MaxSpareThreads         256
      AsyncRequestWorkerFactor 4
      MaxConnectionsPerChild  0
      ListenBacklog           4096
      "
    `);
  });

  it('brings files, and asks for the first one when it checks the caching', async () => {
    const files = [
      { path: 'css/site.css', text: 'a {}\n' },
      { path: 'robots.txt', text: '' },
    ];
    const { resources, checks } = await partOf({ vhosts: [{ name: 'static.farm.example', files }] });
    expect(outline(resources)).toContain(`directory /srv/www
directory /srv/www/static.farm.example
directory /srv/www/static.farm.example/css
file /srv/www/static.farm.example/css/site.css
file /srv/www/static.farm.example/robots.txt
`);
    const caching = checks.find(({ name }) => name === 'caching static.farm.example');
    expect(caching?.kind === 'command' && caching.script.text).toContain('http://10.77.0.31:80/css/site.css');
  });

  it('serves several encodings in the order of preference, or none', async () => {
    const both = fileText((await partOf({ precompressed: ['br', 'gzip'] })).resources, SITE);
    expect(both.indexOf('NAME.br')).toBeLessThan(both.indexOf('NAME.gz'));
    const none = fileText((await partOf({ precompressed: [] })).resources, SITE);
    expect(none).not.toMatch(/Content-Encoding|Vary/);
  });

  it('raises the kernel limit only where the backlog is above it', async () => {
    expect(outline((await partOf({})).resources)).not.toContain('sysctl');
    expect(outline((await partOf({ listenBacklog: 8192 })).resources)).toContain('sysctl net.core.somaxconn\n');
  });

  it('offers its first virtual host', async () => {
    const { resolved } = await rehearse(inventory({ port: 8080, vhosts: [{ name: 'img.farm.example' }] }));
    const [found] = resolved.view.hosts('apache-media');
    expect(found?.offer).toEqual({ port: 8080, healthPath: '/healthz', hostHeader: 'img.farm.example', addresses: [] });
  });
});

describe('apache-media refuses', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a method', { methods: ['POST'] }, /methods/],
    ['no method', { methods: [] }, /methods/],
    ['a time', { cacheDefault: -1 }, /cacheDefault/],
    ['a type', { cacheTypes: [{ type: 'png', seconds: 1 }] }, /type/],
    ['the time of a type', { cacheTypes: [{ type: 'image/png', seconds: 31_536_001 }] }, /seconds/],
    ['a pattern that ends the section', { cachePatterns: [{ pattern: 'a">', seconds: 1 }] }, /pattern/],
    ['an encoding', { precompressed: ['deflate'] }, /precompressed/],
    ['an origin', { vhosts: [{ name: 'a', allowOrigin: 'a b' }] }, /allowOrigin/],
    ['an index', { vhosts: [{ name: 'a', directoryIndex: 'a b' }] }, /directoryIndex/],
    ['a variable of the other role', { pools: [] }, /pools/],
  ])('%s out of range', async (_, variables, place) => {
    const found = await mistakes(inventory(variables), 'media1');
    expect(found.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(0);
    expect(found.map(({ detail, hint }) => `${detail} ${hint}`).join('\n')).toMatch(place);
  });

  it('workers that Apache would round down', async () => {
    const [found] = await mistakes(inventory({ workers: 1000 }), 'media1');
    expect(found?.detail).toBe('1000 workers are not a multiple of threadsPerChild, 64: Apache would round down.');
    expect(found?.hint).toBe('Take 960 or 1024.');
  });
});
