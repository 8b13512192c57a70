import type { Content } from '../model/content.ts';
import type { Static, TSchema } from '../model/schema.ts';
import type { Script } from '../remote/sh.ts';
import type { Transaction } from '../remote/transaction.ts';
import type { Difference, FileOperation } from './change.ts';
import { type Refusal, readDesired } from './desired.ts';

/**
 * What the probe found: the thing as it is, its absence, or that it could not look, and why.
 * `unknown` is for a probe that lacks what it looks with (a tool, a user, a kernel key): never for "absent".
 */
export type Observed<O> =
  | { readonly state: 'known'; readonly value: O }
  | { readonly state: 'absent' }
  | {
      readonly state: 'unknown';
      readonly reason: string;
      /** True: where nothing earlier on the host is pending, this is as good as the desired state. */
      readonly elseAsDesired?: boolean;
      /** Enough is known for a removal: what there is to be taken away, or undefined where there is nothing. */
      readonly removable?: { readonly value: O | undefined };
    };

export const absent = { state: 'absent' } as const;

export function known<O>(value: O): Observed<O> {
  return { state: 'known', value };
}

export function unknown(reason: string): { readonly state: 'unknown'; readonly reason: string } {
  return { state: 'unknown', reason };
}

/** One record of a probe, as the host sent it: named fields of bytes. Untrusted, bounded by the frame reader. */
export interface ProbeRecord {
  /** All fields in the order in which they came. */
  readonly fields: ReadonlyMap<string, Uint8Array>;
  has(name: string): boolean;
  /** The field as text (UTF-8, invalid bytes replaced); '' if it did not come. */
  text(name: string): string;
  bytes(name: string): Uint8Array;
}

/** How a change is made: `before`, the files, each atomic, then `script`; or one transaction. All are safe to repeat. */
export interface Effect {
  readonly before?: Script;
  readonly files?: readonly FileOperation[];
  readonly script?: Script;
  /** What the script reads from its input: for secrets, which must not stand in its text. */
  readonly input?: Content;
  readonly transaction?: Transaction;
  readonly deadline?: StepDeadline;
}

/** A resource that lies inside another one (a file of a service's set), with what was found of it. */
export interface Member {
  readonly resource: Resource;
  readonly observed: Observed<unknown>;
  /** True: the manifest lists it in this set and no role wants it any more; it leaves with the set's next change. */
  readonly unwanted: boolean;
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
 * the runtime provides (see src/remote/runtime.ts): `record INDEX`, then `field NAME VALUE` or
 * `data NAME <FILE` as often as needed, or `unknown_because REASON`, then `end_record`. It only reads. Forks are dear:
 * one command for many resources where that is possible. The record of a resource must not depend on the others in
 * the list and must not hold anything that changes by itself: it is compared byte for byte just before the change.
 */
export interface ResourceType<D = unknown, O = unknown> {
  readonly type: string;
  readonly schema: TSchema;
  /** What is taken for arguments that are left out. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** True where every change is only `files`: such a resource may be part of a service's configuration. */
  readonly filesOnly: boolean;
  id(desired: D): string;
  /** What the user reads instead of the id where that is a path of many: defaults to the id. */
  title?(desired: D): string;
  probe(all: readonly D[]): Script;
  /**
   * True where the probe runs only commands that end at once: it shares a shell and its time limit with others. Where
   * that time is up, each runs again under its own limit.
   */
  readonly probesTogether?: boolean;
  /** Which of a type that probes together do not, as theirs runs what may take its time. Nor are they made together. */
  probesApart?(desired: D): boolean;
  parse(record: ProbeRecord, desired: D): Observed<O>;
  /** The resources inside it, all `filesOnly`. They are probed with the others and handed to diff, apply, remove. */
  members?(desired: D): readonly Resource[];
  /** Undefined: as desired. `observed` is undefined where the thing is absent. */
  diff(desired: D, observed: O | undefined, members: readonly Member[]): Difference | undefined;
  apply(desired: D, observed: O | undefined, members: readonly Member[]): Effect;
  /** For a resource that no role returns any more; `desired` is what the manifest kept (contents by digest only). */
  remove(desired: D, observed: O | undefined, members: readonly Member[]): Removal;
  /**
   * For an unknown resource whose package is still to be installed: what must be done before any package is, so that
   * nothing starts without its configuration. Undefined: nothing.
   */
  prepare?(desired: D): { readonly script: Script; readonly note: string } | undefined;
  /**
   * A resource that the manifest lists and no role returns by that id: true if the resources of its type that roles do
   * return say the same under other ids (a list of packages that has grown). It is then forgotten, not removed.
   */
  isCoveredBy?(recorded: D, wanted: readonly D[]): boolean;
  /**
   * Just before the change the probe found something else than the plan did: true if the planned change covers that
   * (an owned directory "holds exactly these names", whatever a package put there meanwhile).
   */
  covers?(desired: D, planned: O | undefined, found: O | undefined): boolean;
  /**
   * Sentences for the reader about what was found that is no difference: a server that is rightly out of the table. Shown
   * as notes of the plan.
   */
  remarks?(desired: D, observed: O | undefined): readonly string[];
  /**
   * For an unknown resource: the whole desired state and the highest risk it may have, as it is shown in the plan.
   */
  whole(desired: D): Difference;
  /**
   * All paths that the resource may write, for the clash check and the service's stamp.
   */
  paths?(desired: D): readonly string[];
}

/** One resource on one host: its type and the desired state, validated. */
export interface Resource<D = unknown> {
  readonly type: ResourceType<D>;
  readonly desired: D;
  readonly id: string;
}

/**
 * What the author of a type writes: `filesOnly` is false and `whole` is derived from `diff` where not given.
 * `K` are the arguments that may be left out, each with its value in `defaults`.
 */
export type ResourceDefinition<S extends TSchema, O, K extends keyof Static<S>> = Omit<
  ResourceType<Static<S>, O>,
  'schema' | 'defaults' | 'filesOnly' | 'whole'
> & {
  readonly desired: S;
  readonly defaults?: Pick<Static<S>, K>;
  readonly filesOnly?: boolean;
  whole?(desired: Static<S>): Difference;
  /** Looks at a desired state that fits the schema; what it returns is an error. */
  refuse?(desired: Static<S>): Refusal | undefined;
};

/** Makes a resource of one type; `type` is the type itself. */
export interface ResourceConstructor<D, I, O = unknown> {
  /** @throws FarmError `resource/invalid` */
  (desired: I): Resource<D>;
  readonly type: ResourceType<D, O>;
}

/** The desired state as an author may write it: arguments with a default may be left out. */
export type Input<D, K extends keyof D> = Omit<D, K> & Partial<Pick<D, K>>;

const defined = new Map<string, ResourceType>();

/** Every resource type that was defined so far, by name: what rebuilds a resource that only a manifest remembers. */
export const resourceTypes: ReadonlyMap<string, ResourceType> = defined;

/** Makes a resource type and the function with which roles make resources of it. */
export function defineResource<S extends TSchema, O, K extends keyof Static<S> = never>(
  definition: ResourceDefinition<S, O, K>,
): ResourceConstructor<Static<S>, Input<Static<S>, K>, O> {
  const { desired: schema, defaults, refuse, ...rest } = definition;
  const type: ResourceType<Static<S>, O> = {
    filesOnly: false,
    whole: (desired) =>
      definition.diff(desired, undefined, []) ?? { action: 'create', fields: [], texts: [], risk: 'none', notes: [] },
    ...rest,
    schema,
    defaults: defaults ?? {},
  };
  defined.set(type.type, type as ResourceType);
  function construct(input: Input<Static<S>, K>): Resource<Static<S>> {
    const desired = readDesired<Static<S>>({ type: type.type, schema, defaults, refuse }, input);
    return { type, desired, id: type.id(desired) };
  }
  return Object.assign(construct, { type });
}
