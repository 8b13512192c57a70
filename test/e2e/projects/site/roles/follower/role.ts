import { defineRole, file, t, text } from 'farmctl';

const fileOf = (name: string) => ({
  resources: ({ variables: { word } }: { variables: { word: string } }) => [
    file({ path: `/etc/follower-${name}`, content: text(`${word}\n`) }),
  ],
});

export default defineRole({
  name: 'follower',
  summary: 'Comes after the hosts of site: one side needs any of them, one needs all.',
  systems: ['debian-12'],
  variables: t.object({ word: t.string({ default: 'one' }) }),
  parts: {
    any: { after: [{ part: 'site', needs: 'any' }], ...fileOf('any') },
    all: { after: [{ part: 'site', needs: 'all' }], ...fileOf('all') },
  },
});
