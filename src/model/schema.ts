import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { Content } from './content.ts';
import type { Secret } from './secret.ts';

/** An object without unknown keys. */
function object<P extends TProperties>(properties: P, options: Record<string, unknown> = {}): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/**
 * The schema builder of farmctl: TypeBox, and wrappers for what farms are made of. One schema gives the static type,
 * the validation and the documentation. Ajv keywords of our own: `secret` and `content` (instances, not JSON).
 */
export const t = {
  object,
  string: Type.String,
  boolean: Type.Boolean,
  integer: Type.Integer,
  number: Type.Number,
  array: Type.Array,
  record: Type.Record,
  union: Type.Union,
  literal: Type.Literal,
  null: Type.Null,
  optional: Type.Optional,
  unknown: Type.Unknown,
  /** One of fixed words. */
  enum: <const V extends readonly string[]>(values: V, options: Record<string, unknown> = {}) =>
    Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...options }),
  port: (options: Record<string, unknown> = {}) => Type.Integer({ minimum: 1, maximum: 65535, ...options }),
  /** Octal digits as text, `0644`: a YAML number would be read as decimal. */
  mode: (options: Record<string, unknown> = {}) =>
    Type.String({ pattern: '^[0-7]{3,4}$', title: 'three or four octal digits', ...options }),
  /** An absolute path on a host, without `.`, `..`, empty parts or NUL. */
  path: (options: Record<string, unknown> = {}) =>
    Type.String({
      pattern: '^(/(?!\\.{1,2}(/|$))[^/\\u0000]+)+$',
      title: 'an absolute path, without "." and ".." in it and without a slash at its end',
      ...options,
    }),
  /** A value from `!file` or `!env`, never shown. */
  secret: (options: Record<string, unknown> = {}) => Type.Unsafe<Secret>({ secret: true, ...options }),
  /** What a file holds, as `render` and `text` make it. */
  content: (options: Record<string, unknown> = {}) => Type.Unsafe<Content>({ content: true, ...options }),
  /** Resources inside a resource; the engine checks them. */
  opaque: <T>(options: Record<string, unknown> = {}) => Type.Unsafe<T>({ ...options }),
} as const;

export type { Static, TObject, TProperties, TSchema };
