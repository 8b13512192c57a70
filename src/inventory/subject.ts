import { HOST_KEYS } from './networks.ts';

/** What the mistake is in: `Tier app`, and the keys from there on. */
export interface Subject {
  readonly name: string;
  readonly rest: readonly string[];
  /** `role`: variables of a role; `roles`: a map whose keys are roles. */
  readonly kind: 'role' | 'roles' | 'other';
}

/** What a path of the document is in, in the user's words. */
export function subjectOf(document: object, path: readonly string[]): Subject {
  const [top = '', name = '', third = '', fourth = '', fifth] = path;
  const other = (subject: string, keys: number): Subject => ({ name: subject, rest: path.slice(keys), kind: 'other' });
  const role = (subject: string, keys: number): Subject => ({ name: subject, rest: path.slice(keys), kind: 'role' });
  if (top === 'variables') {
    return path.length > 1 ? role(`Role ${name}`, 2) : { ...other('The inventory', 0), kind: 'roles' };
  }
  if (top === 'networks' && path.length > 1) return other(`Network ${name}`, 2);
  if (top === 'vips' && path.length > 1) return other(`VIP ${name}`, 2);
  if (top !== 'tiers' || path.length === 1) return other('The inventory', 0);
  if (third === 'hosts' && path.length > 3) {
    const isSetting = fifth === undefined || HOST_KEYS.includes(fifth) || isNetwork(document, fifth);
    if (isSetting) return other(`Host ${fourth} in tier ${name}`, 4);
    return role(`Role ${fifth} on host ${fourth} in tier ${name}`, 5);
  }
  if (third === 'variables') {
    return path.length > 3 ? role(`Role ${fourth} in tier ${name}`, 4) : { ...other(`Tier ${name}`, 2), kind: 'roles' };
  }
  if (third === 'roles' && path.length > 3) {
    if (fifth !== undefined) return role(`Role ${fifth} in tier ${name}`, 5);
    return { ...other(`Entry ${Number(fourth) + 1} of the roles of tier ${name}`, 4), kind: 'roles' };
  }
  return other(`Tier ${name}`, 2);
}

/** Keys as people write them: `sites[0].name`. */
export function keyPath(keys: readonly string[]): string {
  return keys.map((key, index) => (/^\d+$/.test(key) ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

function isNetwork(document: object, key: string): boolean {
  const networks = entryValue(document, ['networks']);
  return typeof networks === 'object' && networks !== null && Object.hasOwn(networks, key);
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
