import { defineRole, directory, exec, file, sh, t, text } from 'farmctl';

export default defineRole({
  name: 'mark',
  summary: 'Files that say which shell brought them.',
  systems: ['debian-12'],
  variables: t.object({ word: t.string({ default: 'none' }) }),
  resources: ({ variables: { word } }) => [
    directory({ path: '/etc/mark' }),
    // Longer than what a shell reads at once, so that one that reads ahead would tear it.
    file({ path: '/etc/mark/long', content: text(`${word} $(id) "quoted" 'twice' \\ !\n`.repeat(4000)) }),
    file({ path: '/etc/mark/word', content: text(`${word}\n`) }),
    exec({ name: 'noted', script: sh`echo ${word} >>/etc/mark/log`, unless: sh`grep -qx ${word} /etc/mark/log` }),
  ],
});
