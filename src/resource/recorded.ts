import { Content } from '../model/content.ts';
import { Secret } from '../model/secret.ts';
import { Script } from '../remote/sh.ts';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A resource inside a resource: it has an entry of its own in the manifest. */
function isResource(value: object): boolean {
  return 'type' in value && 'desired' in value && 'id' in value && typeof value.type === 'object';
}

function toJson(value: unknown): Json | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (typeof value !== 'object') return undefined;
  if (value instanceof Content) return { $content: value.sensitive ? null : value.digest };
  if (value instanceof Secret) return { $secret: true };
  if (value instanceof Script) return { $script: value.text };
  if (Array.isArray(value)) return value.map(toJson).filter((one) => one !== undefined);
  if (isResource(value) || !isPlain(value)) return undefined;
  const entries: [string, Json][] = [];
  for (const [key, one] of Object.entries(value)) {
    const json = toJson(one);
    if (json !== undefined) entries.push([key, json]);
  }
  return Object.fromEntries(entries);
}

/**
 * A desired state as the manifest keeps it: contents by digest (none where they are sensitive), no secret, no resources
 * inside it, no functions.
 */
export function recorded(desired: unknown): Json {
  return toJson(desired) ?? null;
}

/** The desired state of a manifest's entry, for `probe` and `remove`. Secrets are absent. */
export function restore(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(restore).filter((one) => one !== undefined);
  if (typeof json !== 'object' || json === null) return json;
  if ('$content' in json) return Content.ofDigest(typeof json.$content === 'string' ? json.$content : undefined);
  if ('$script' in json && typeof json.$script === 'string') return new Script(json.$script);
  if ('$secret' in json) return undefined;
  const entries = Object.entries(json).map(([key, value]) => [key, restore(value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
