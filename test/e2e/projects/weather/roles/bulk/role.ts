import { bytes, defineRole, file, ownedDirectory, t, text } from 'farmctl';

/** So that ten thousand names do not fit into the arguments of one command. */
const LONG = 'long'.repeat(45);

/** Bytes that do not compress and are the same each time, a megabyte at a time. */
function* noise(megabytes: number, seed: number): Generator<Uint8Array> {
  let state = seed;
  for (let piece = 0; piece < megabytes; piece++) {
    const words = new Uint32Array(262_144);
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
    yield new Uint8Array(words.buffer);
  }
}

export default defineRole({
  name: 'bulk',
  summary: 'A very large file, or very many small ones.',
  systems: ['debian-12'],
  variables: t.object({
    megabytes: t.integer({ default: 0 }),
    seed: t.integer({ default: 1 }),
    names: t.integer({ default: 0 }),
  }),
  resources: ({ variables: { megabytes, seed, names } }) => [
    ...(megabytes === 0 ? [] : [file({ path: '/srv/large', content: bytes(() => noise(megabytes, seed)) })]),
    ...(names === 0
      ? []
      : [
          ownedDirectory({
            path: '/srv/many',
            entries: Array.from({ length: names }, (_, index) =>
              file({
                path: `/srv/many/name ${index} with $(words) ${LONG}`,
                content: text(`content ${index} of ${seed}\n`),
              }),
            ),
          }),
        ]),
  ],
});
