import { didYouMean } from '../lib/closest.ts';
import { Content } from '../model/content.ts';
import { Secret } from '../model/secret.ts';

/** Thrown by a view; rendering turns it into a diagnostic with the template's place. */
export class ViewRefusal extends Error {
  /** The name as the data has it: `sites.0.nmae`. */
  readonly path: string;
  /** The last part of it, as the template wrote it. */
  readonly key: string;
  readonly kind: 'undefined' | 'unusable';

  constructor(kind: 'undefined' | 'unusable', path: string, key: string, message: string) {
    super(message);
    this.kind = kind;
    this.path = path;
    this.key = key;
  }
}

/** What Handlebars itself asks of an object that it only passes on. */
const PASSED = new Set<string>(['toString', 'valueOf', 'constructor', 'toJSON', 'toHTML', 'then', '__proto__']);

const views = new WeakSet<object>();

/**
 * The data as a template sees it: a name that is not there is refused instead of being empty, everywhere a template can
 * write one (`if`, `each` and arguments of helpers included); a secret is its placeholder. Undefined counts as not there.
 */
export function strictView(data: object, path = ''): object {
  if (views.has(data)) return data;
  const inner = new Map<string, object>();
  const isList = Array.isArray(data);
  // The data may be frozen, and a proxy must not say anything else than its frozen target: it stands before a copy.
  // What cannot be used is left out, so that it does not appear in `each` or trouble a partial that is given more.
  const usable = Object.entries(data).filter(([, value]) => value !== undefined && unusableKind(value) === undefined);
  const view: object = new Proxy(isList ? [...data] : Object.fromEntries(usable), {
    get(copy, key) {
      if (typeof key === 'symbol') return Reflect.get(copy, key);
      const isOwn = Object.hasOwn(data, key);
      if (isList && (key === 'length' || !(isOwn || /^\d+$/.test(key)))) return Reflect.get(copy, key);
      if (!isOwn && PASSED.has(key)) return Reflect.get(copy, key);
      const here = path === '' ? key : `${path}.${key}`;
      const value: unknown = isOwn ? Reflect.get(data, key) : undefined;
      if (value === undefined) throw undefinedName(copy, here, key);
      if (value instanceof Secret) return value.placeholder;
      const kind = unusableKind(value);
      if (kind !== undefined) throw unusable(here, key, kind);
      if (typeof value !== 'object' || value === null) return value;
      let wrapped = inner.get(key);
      if (wrapped === undefined) {
        wrapped = strictView(value, here);
        inner.set(key, wrapped);
      }
      return wrapped;
    },
  });
  views.add(view);
  return view;
}

/** What the value is, if a template can do nothing with it: maps, sets and dates have no names of their own. */
function unusableKind(value: unknown): string | undefined {
  if (typeof value === 'function') return 'a function';
  if (value instanceof Content) return 'the content of a file';
  if (typeof value !== 'object' || value === null || value instanceof Secret) return undefined;
  const tag = Object.prototype.toString.call(value);
  return tag === '[object Object]' || tag === '[object Array]' ? undefined : `a ${tag.slice(8, -1)}`;
}

function undefinedName(target: object, path: string, key: string): ViewRefusal {
  const message = `There is no "${path}" in what the role gives to the template.${didYouMean(key, Object.keys(target))}`;
  return new ViewRefusal('undefined', path, key, message);
}

function unusable(path: string, key: string, what: string): ViewRefusal {
  return new ViewRefusal('unusable', path, key, `"${path}" is ${what}, which a template cannot use.`);
}
