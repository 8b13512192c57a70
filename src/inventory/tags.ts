import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { Secret } from '../model/secret.ts';
import { placeAt, type SourceText } from './origin.ts';

/** `!file PATH` and `!env NAME` make secrets, `!text PATH` is the text of a file. */
export type TagKind = '!file' | '!env' | '!text';

export const TAG_NAMES: readonly TagKind[] = ['!file', '!env', '!text'];

/** Stands where a tag could not be resolved: that is reported already, so what follows from it is not. */
export const UNREADABLE = Symbol('unreadable');

/** A secret is a key, a password or a certificate, and a text a configuration file: larger is a mistake. */
const MAX_BYTES = 1024 * 1024;

/** A tag that waits for its value, in the place where the value will be. */
export class TagRequest {
  readonly kind: TagKind;
  readonly text: string;
  readonly source: SourceText;
  readonly #range: readonly [number, number, number] | null | undefined;
  #container: { object: object; key: string | number } | undefined;

  constructor(
    kind: TagKind,
    text: string,
    source: SourceText,
    range: readonly [number, number, number] | null | undefined,
  ) {
    this.kind = kind;
    this.text = text.trim();
    this.source = source;
    this.#range = range;
  }

  /** Says which entry gets the value. */
  into(object: object, key: string | number): this {
    this.#container = { object, key };
    return this;
  }

  /** Puts the value into the entry. */
  settle(value: unknown): void {
    if (this.#container !== undefined) Reflect.set(this.#container.object, this.#container.key, value);
  }

  get at() {
    const [start, end] = this.#range ?? [0, 0, 0];
    return placeAt(this.source, start, end);
  }

  /** Two requests of the same key have the same value. */
  get sameness(): string {
    return `${this.kind} ${this.kind === '!env' || this.text === '' ? this.text : resolve(this.source.folderPath, this.text)}`;
  }
}

/** Puts the values of all tags into their places; what could not be read is reported at its tag. */
export async function resolveTags(
  requests: readonly TagRequest[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  const known = new Map<string, unknown>();
  for (const request of requests) {
    if (!known.has(request.sameness)) known.set(request.sameness, await tagValue(request, environment));
    const value = known.get(request.sameness);
    if (value instanceof TagFailure) {
      diagnostics.push(value.at(request));
      request.settle(UNREADABLE);
    } else request.settle(value);
  }
  return diagnostics;
}

class TagFailure {
  readonly detail: string;
  readonly hint: string | undefined;

  constructor(detail: string, hint?: string) {
    this.detail = detail;
    this.hint = hint;
  }

  at(request: TagRequest): Diagnostic {
    const rest = this.hint === undefined ? { at: request.at } : { at: request.at, hint: this.hint };
    return request.kind === '!env'
      ? problem('inventory/environment', 'Environment variable missing', this.detail, rest)
      : problem('inventory/unreadable-file', 'File cannot be read', this.detail, rest);
  }
}

async function tagValue(
  { kind, text, source }: TagRequest,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<unknown> {
  if (kind === '!env') {
    if (text === '') return new TagFailure('The tag !env names no variable.', 'Write it as !env NAME.');
    const value = environment[text];
    if (value === undefined)
      return new TagFailure(`The environment has no variable ${text}.`, `Set ${text}, or use !file.`);
    return value === ''
      ? new TagFailure(`The environment variable ${text} is empty.`)
      : new Secret(value, `environment ${text}`);
  }
  if (text === '') return new TagFailure(`The tag ${kind} names no file.`, `Write it as ${kind} PATH.`);
  const path = resolve(source.folderPath, text);
  const content = await readBounded(path, text);
  if (content instanceof TagFailure || kind === '!text') return content;
  const secret = content.replace(/\r?\n$/, '');
  return secret === '' ? new TagFailure(`The file ${text} is empty.`) : new Secret(secret, `file ${text}`);
}

async function readBounded(path: string, shown: string): Promise<string | TagFailure> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return new TagFailure(`The file ${shown} is larger than ${MAX_BYTES} bytes.`);
    const bytes = await readFile(path);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    return new TagFailure(...readFailure(error, shown, path));
  }
}

/** Why a file could not be read, in words, and what to do. */
export function readFailure(error: unknown, shown: string, path: string): [detail: string, hint?: string] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return [`There is no file ${shown}.`, `It was looked for at ${path}.`];
    case 'EACCES':
    case 'EPERM':
      return [`The file ${shown} may not be read by this user.`];
    case 'EISDIR':
      return [`${shown} is a folder.`];
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return [`The file ${shown} is not UTF-8 text.`];
    default:
      return [`The file ${shown} cannot be read: ${error instanceof Error ? error.message : String(error)}.`];
  }
}
