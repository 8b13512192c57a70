import type { Static, TSchema } from 'typebox';
import type { Script } from '../remote/sh.ts';
import type { Difference, FileOperation } from './change.ts';

/**
 * What the probe found: the thing as it is, its absence, or that it could not look, and why.
 * `unknown` is for a probe that lacks what it looks with (a tool, a user, a kernel key): never for "absent".
 */
export type Observed<O> =
  | { readonly state: 'known'; readonly value: O }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly reason: string };

export const absent = { state: 'absent' } as const;

export function known<O>(value: O): Observed<O> {
  return { state: 'known', value };
}

export function unknown(reason: string): { readonly state: 'unknown'; readonly reason: string } {
  return { state: 'unknown', reason };
}

/** One record of a probe, as the host sent it: named fields of bytes. Untrusted, bounded by the frame reader. */
export interface ProbeRecord {
  has(name: string): boolean;
  /** The field as text (UTF-8, invalid bytes replaced); '' if it did not come. */
  text(name: string): string;
  bytes(name: string): Uint8Array;
}

/** How a change is made: first the files, all atomic, then the script. Both are safe to repeat. */
export interface Effect {
  readonly files?: readonly FileOperation[];
  readonly script?: Script;
  /** What farmctl made besides the resource itself; kept in the manifest's arguments. */
  readonly deadline?: StepDeadline;
}

/** Which of the engine's deadlines a script runs under: 120 s, or 900 s for packages. */
export type StepDeadline = 'step' | 'packages';

/** The answer of `remove`: a change with its effect, nothing left to do, or why the thing stays on the host. */
export type Removal =
  | { readonly kind: 'remove'; readonly difference: Difference; readonly effect: Effect }
  | { readonly kind: 'gone' }
  | { readonly kind: 'stays'; readonly reason: string };

/**
 * A kind of resource. All of it is pure: the engine runs the scripts.
 *
 * `probe` returns one script that looks at all given resources and prints a record for each with the functions that
 * the runtime provides (see src/remote/probe-functions.ts): `record INDEX`, then `field NAME VALUE` or
 * `data NAME <FILE` as often as needed, or `unknown_because REASON`, then `end_record`. It only reads. Forks are dear:
 * one command for many resources where that is possible. The record of a resource must not depend on the others in
 * the list and must not hold anything that changes by itself: it is compared byte for byte just before the change.
 */
export interface ResourceType<D = unknown, O = unknown> {
  readonly type: string;
  readonly schema: TSchema;
  /** True where every change is only `files`: such a resource may be part of a service's configuration. */
  readonly filesOnly: boolean;
  id(desired: D): string;
  /** What the user reads instead of the id where that is a path of many: defaults to the id. */
  title?(desired: D): string;
  probe(all: readonly D[]): Script;
  parse(record: ProbeRecord, desired: D): Observed<O>;
  /** Undefined: as desired. `observed` is undefined where the thing is absent. */
  diff(desired: D, observed: O | undefined): Difference | undefined;
  apply(desired: D, observed: O | undefined): Effect;
  /** For a resource that no role returns any more; `desired` is what the manifest kept (contents by digest only). */
  remove(desired: D, observed: O | undefined): Removal;
  /**
   * For an unknown resource: the whole desired state and the highest risk it may have, as it is shown in the plan.
   */
  whole(desired: D): Difference;
  /**
   * All paths that the resource may write, for the clash check and the service's stamp.
   */
  paths?(desired: D): readonly string[];
  /**
   * True if one resource of this type may be taken together with others of it on the same host and part into a single
   * step (packages). The engine then calls `merge`.
   */
  merge?(all: readonly D[]): D;
}

/** One resource on one host: its type and the desired state, validated. */
export interface Resource<D = unknown> {
  readonly type: ResourceType<D>;
  readonly desired: D;
  readonly id: string;
}

/** What the author of a type writes: `filesOnly` is false and `whole` is derived from `diff` where not given. */
export type ResourceDefinition<S extends TSchema, O, D = Static<S>> = Omit<
  ResourceType<D, O>,
  'schema' | 'filesOnly' | 'whole'
> & {
  readonly desired: S;
  readonly filesOnly?: boolean;
  whole?(desired: D): Difference;
};
