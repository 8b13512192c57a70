import { defineRole, file, packages, service, sh, t, text } from 'farmctl';

export default defineRole({
  name: 'web',
  summary: 'A real service with a package and a checker of its own.',
  systems: ['debian-12'],
  variables: t.object({
    extra: t.string({ default: '', description: 'One more directive.' }),
    root: t.string({ default: '/srv/www' }),
  }),
  after: [{ part: 'site', needs: 'all' }],
  resources: ({ variables: { extra, root } }) => [
    packages(['nginx-light']),
    file({ path: '/srv/www/index.html', content: text('hello\n') }),
    service({
      unit: 'nginx.service',
      enabled: true,
      active: true,
      config: [
        file({
          path: '/etc/nginx/sites-available/default',
          content: text(`server { listen 80; root ${root}; ${extra} }\n`),
        }),
        file({ path: '/etc/nginx/conf.d/tokens.conf', content: text('server_tokens off;\n') }),
      ],
      validate: sh`nginx -t`,
      checkers: ['/usr/sbin/nginx'],
    }),
  ],
});
