import { FarmError, problem } from '../model/diagnostic.ts';
import type { TSchema } from '../model/schema.ts';
import { maskText } from '../model/secret.ts';
import { type Problem, validate } from '../model/validate.ts';

/** Said in words where the schema has a `title`. */
function patternSentence(subject: string, { value, params, schema }: Problem): string {
  const { title = `what matches ${params.pattern}` } = schema;
  return `${subject} cannot be ${maskText(JSON.stringify(value))}: it must be ${title}`;
}

/** A mistake in a desired state that the schema cannot say: the argument and a sentence about it. */
export interface Refusal {
  readonly field: string;
  readonly detail: string;
}

function sentence(problem: Problem): string {
  const { path, keyword, message, params } = problem;
  const subject = path.length === 0 ? 'it' : `"${path.join('.')}"`;
  switch (keyword) {
    case 'additionalProperties':
      return `${subject} has no argument "${params.additionalProperty}"`;
    case 'required':
      return `${subject === 'it' ? '' : `${subject}: `}"${params.missingProperty}" is missing`;
    case 'content':
      return `${subject} must be a content, as text() and render() make it`;
    case 'secret':
      return `${subject} must be a secret, as !file and !env make it`;
    case 'pattern':
      return patternSentence(subject, problem);
    case 'enum':
      return `${subject} must be one of ${(params.allowedValues as readonly unknown[]).join(', ')}`;
    default:
      return `${subject} ${message}`;
  }
}

/** By what the author knows the resource: the first text among its arguments, which is a path or a name. */
function nameOf(input: unknown): string {
  const first = typeof input === 'object' && input !== null ? Object.values(input)[0] : undefined;
  return typeof first === 'string' ? ` ${first}` : '';
}

/** The arguments anew, so that defaults do not touch what the author wrote; those that are undefined are left out. */
function withDefaults(input: unknown, defaults: object | undefined): unknown {
  if (typeof input !== 'object' || input === null) return input;
  return { ...defaults, ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) };
}

/**
 * The desired state that an author wrote, with defaults filled in.
 * @throws FarmError `resource/invalid`, naming type, resource and every wrong argument
 */
export function readDesired<D>(
  type: {
    readonly type: string;
    readonly schema: TSchema;
    readonly defaults?: object | undefined;
    readonly refuse?: ((desired: D) => Refusal | undefined) | undefined;
  },
  input: unknown,
): D {
  const value = withDefaults(input, type.defaults);
  const resource = `${type.type}${nameOf(input)}`;
  const sentences = validate(type.schema, value).map(sentence);
  if (sentences.length === 0) {
    const refusal = type.refuse?.(value as D);
    if (refusal !== undefined) sentences.push(`"${refusal.field}" ${refusal.detail}`);
  }
  if (sentences.length === 0) return value as D;
  const detail = `The resource ${resource} cannot be made: ${sentences.join('; ')}.`;
  throw new FarmError(problem('resource/invalid', 'Invalid resource', detail, { resource }));
}
