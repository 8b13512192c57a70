import { defineRole, file, t, text } from 'farmctl';

export default defineRole({
  name: 'stale',
  summary: 'A file that can be told to lie on a file system that does not answer.',
  systems: ['debian-12'],
  variables: t.object({ path: t.path({ default: '/srv/stale' }), word: t.string({ default: '1' }) }),
  resources: ({ variables: { path, word } }) => [file({ path, content: text(`${word}\n`) })],
});
