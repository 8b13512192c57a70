import { defineRole, file, t, text } from 'farmctl';

export default defineRole({
  name: 'later',
  summary: 'Comes after the hosts of set, however they came out.',
  systems: ['debian-12'],
  variables: t.object({ word: t.string({ default: '1' }) }),
  after: ['set'],
  resources: ({ variables: { word } }) => [file({ path: '/etc/later', content: text(`${word}\n`) })],
});
