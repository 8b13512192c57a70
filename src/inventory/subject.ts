/** What the mistake is in: `Tier app`, and the keys from there on. */
export interface Subject {
  readonly name: string;
  readonly rest: readonly string[];
  /** True for variables of a role. */
  readonly isRole: boolean;
}

/** What a path of the document is in, in the user's words. */
export function subjectOf(document: object, path: readonly string[]): Subject {
  const [top = '', name = '', third = '', fourth = '', fifth] = path;
  if (path.length === 0) return { name: 'The inventory', rest: [], isRole: false };
  if (top === 'variables') {
    if (path.length === 1) return { name: 'Variables', rest: [], isRole: false };
    return { name: `Role ${name}`, rest: path.slice(2), isRole: true };
  }
  if (top === 'networks' && path.length > 1) return { name: `Network ${name}`, rest: path.slice(2), isRole: false };
  if (top === 'vips' && path.length > 1) return { name: `VIP ${name}`, rest: path.slice(2), isRole: false };
  if (top !== 'tiers' || path.length === 1) return { name: 'The inventory', rest: path, isRole: false };
  if (third === 'hosts' && path.length > 3) {
    const host = `Host ${fourth} in tier ${name}`;
    const isSetting = fifth === undefined || ['ssh', 'become', 'retired', 'os'].includes(fifth);
    // A text among a host's entries is an address; roles have maps.
    const isAddress = !isSetting && path.length === 5 && typeof entryValue(document, path) !== 'object';
    if (isSetting || isAddress) return { name: host, rest: path.slice(4), isRole: false };
    return { name: `Role ${fifth} on ${host.replace('Host', 'host')}`, rest: path.slice(5), isRole: true };
  }
  if (third === 'variables') {
    if (path.length === 3) return { name: `Variables of tier ${name}`, rest: [], isRole: false };
    return { name: `Role ${fourth} in tier ${name}`, rest: path.slice(4), isRole: true };
  }
  if (third === 'roles' && path.length === 4) return { name: `Role list of tier ${name}`, rest: [], isRole: false };
  if (third === 'roles' && fifth !== undefined) {
    return { name: `Role ${fifth} in tier ${name}`, rest: path.slice(5), isRole: true };
  }
  return { name: `Tier ${name}`, rest: path.slice(2), isRole: false };
}

function entryValue(document: object, path: readonly string[]): unknown {
  let value: unknown = document;
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}

/** The object or list that holds the entry at the path; none for the document itself. */
export function entryAt(document: object, path: readonly string[]): { parent: object | undefined; key: string } {
  const key = path.at(-1);
  if (key === undefined) return { parent: undefined, key: '' };
  const parent = entryValue(document, path.slice(0, -1));
  return { parent: typeof parent === 'object' && parent !== null ? parent : undefined, key };
}
