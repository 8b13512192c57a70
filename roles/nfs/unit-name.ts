const PLAIN = /[A-Za-z0-9:_.]/;

/**
 * The name of the unit that systemd gives a mount point, without its ending: what `systemd-escape --path` prints.
 * @param path absolute, without `.`, `..` and empty parts
 */
export function unitNameOf(path: string): string {
  const inner = path.replace(/^\/+|\/+$/g, '');
  if (inner === '') return '-';
  const bytes = [...new TextEncoder().encode(inner)];
  return bytes
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      if (character === '/') return '-';
      const isPlain = PLAIN.test(character) && !(index === 0 && character === '.');
      return isPlain ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}
