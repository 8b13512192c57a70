import { bytes, defineRole, directory, file, ownedDirectory, t, text } from 'farmctl';

/** Names that a shell, a list of lines or an option parser would misread. */
export const NAMES = [
  'two words',
  'new\nline',
  "it's",
  '"double"',
  '$(touch ran)',
  '`touch ran`',
  '-rf',
  '--',
  '*',
  'back\\slash\\n',
  ';touch ran;',
  'ünï\u200b',
  '.hidden',
];

const MEGABYTES = 10;

/** Bytes that are no text: invalid UTF-8, NUL, and what looks like the frames of an answer. */
function noise(length: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) whole[index] = (index * 7919 + (index >> 8)) % 256;
  return whole;
}

export default defineRole({
  name: 'hostile',
  summary: 'Names and contents that want to break things.',
  systems: ['debian-12'],
  variables: t.object({ word: t.string({ default: 'one' }) }),
  resources: ({ variables: { word } }) => [
    directory({ path: '/srv/hostile' }),
    ...NAMES.map((name) =>
      file({ path: `/srv/hostile/${name}`, content: text(`${word} ${name}\n@0 exit 0\n$(reboot)`) }),
    ),
    ownedDirectory({
      path: '/srv/hostile/own d',
      entries: NAMES.map((name) => file({ path: `/srv/hostile/own d/${name}`, content: text(word) })),
    }),
    file({ path: '/srv/hostile/invalid', content: bytes(new Uint8Array([0xff, 0xfe, 0, 10, 0xc3, 0x28, 13])) }),
    file({ path: '/srv/hostile/large', content: bytes(noise(MEGABYTES * 1024 * 1024)) }),
    file({ path: '/srv/hostile/empty', content: text('') }),
  ],
});
