/** The names that one key of `hosts` stands for, or why it stands for none. */
export type ExpandedNames = { readonly names: readonly string[] } | { readonly reason: string; readonly hint?: string };

/** More than this in one range is a slip of the keyboard. */
const MAX_RANGE = 65_536;

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** `app1` is itself; `app[1:3]` counts along, `app[01:10]` with leading zeros. */
export function expandHostNames(key: string): ExpandedNames {
  const range = /^([^[\]]*)\[(\d{1,9}):(\d{1,9})\]([^[\]]*)$/.exec(key);
  if (range === null) {
    if (/[[\]]/.test(key)) {
      return { reason: 'is no range', hint: 'A range is written as app[1:3]: one pair of numbers, both included.' };
    }
    const wrong = hostNameMistake(key);
    return wrong === undefined ? { names: [key] } : wrong;
  }
  const [, before = '', from = '', to = '', after = ''] = range;
  const [first, last] = [Number(from), Number(to)];
  if (first > last) return { reason: `counts down from ${from} to ${to}`, hint: 'Write the smaller number first.' };
  if (last - first >= MAX_RANGE) return { reason: `stands for more than ${MAX_RANGE} hosts` };
  const width = from.startsWith('0') ? from.length : 0;
  const names: string[] = [];
  for (let number = first; number <= last; number++) names.push(before + String(number).padStart(width, '0') + after);
  const wrong = [names[0], names.at(-1)].map((name) => hostNameMistake(name ?? '')).find((one) => one !== undefined);
  return wrong ?? { names };
}

/** Why this cannot be the name of a host (RFC 1123, one label), or undefined. */
export function hostNameMistake(name: string): { reason: string; hint?: string } | undefined {
  if (name === 'all') return { reason: 'is the word for every host in patterns' };
  if (/^\d+$/.test(name)) return { reason: 'consists of digits only', hint: 'Let it begin with a letter: app1.' };
  if (LABEL.test(name)) return undefined;
  if (name === '') return { reason: 'is empty' };
  if (name.length > 63) return { reason: `has ${name.length} characters, and a host name at most 63` };
  if (name.includes('.')) {
    return { reason: 'has a dot', hint: 'Write the first label alone: the farm\'s "domain" completes it.' };
  }
  if (/[A-Z]/.test(name)) return { reason: 'has capital letters', hint: `Write ${name.toLowerCase()}.` };
  if (name.startsWith('-') || name.endsWith('-')) return { reason: 'begins or ends with a hyphen' };
  const wrong = /[^a-z0-9-]/u.exec(name)?.[0] ?? '';
  return { reason: `holds "${wrong}"`, hint: 'A host name has letters, digits and hyphens only.' };
}

/** Why this cannot be the name of a tier, a network or a VIP, or undefined. */
export function nameMistake(name: string): { reason: string; hint?: string } | undefined {
  if (name === 'all') return { reason: 'is the word for every host in patterns' };
  if (/^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(name)) return undefined;
  return {
    reason: 'is not a name',
    hint: 'A name begins with a small letter and goes on with letters, digits, "-" or "_".',
  };
}
