import { closest } from '../lib/closest.ts';
import type { Content } from '../model/content.ts';
import type { Facts } from '../model/facts.ts';
import type { Network, Vip } from '../model/farm.ts';
import type { Static, TObject } from '../model/schema.ts';
import type { Risk } from '../resource/change.ts';
import type { Resource } from '../resource/define.ts';
import type { Check } from './check.ts';

/**
 * What each part offers to those who look it up, by the part's name. A role adds its own with
 * `declare module 'farmctl' { interface Offers { 'apache-app': { port: number } } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Offers {}

/** A host as roles see it. */
export interface HostView {
  readonly name: string;
  /** Name and domain: `app1.farm.example`. */
  readonly fqdn: string;
  readonly tier: string;
  readonly os: string;
  /** The address in that network, the host's first where no network is named. @throws FarmError if it has none there. */
  address(network?: string): string;
  /** Network name and address, the first is the host's own. */
  readonly addresses: ReadonlyArray<{ readonly network: Network; readonly address: string }>;
}

/** A host found by the part it has, with what that part offers there. */
export interface Found<P extends string> {
  readonly host: HostView;
  readonly offer: P extends keyof Offers ? Offers[P] : undefined;
}

/** The farm as roles see it: always whole, retired hosts left out. */
export interface FarmView {
  readonly name: string;
  readonly domain: string;
  readonly networks: readonly Network[];
  network(name: string): Network;
  readonly vips: readonly Vip[];
  readonly allHosts: readonly HostView[];
  host(name: string): HostView;
  /** Every role and part that some host has: the names by which `hosts` finds somebody. */
  roles(): readonly string[];
  /** The hosts that have that part (`nfs/server`) or any part of that role (`bind9`), in the order of the inventory. */
  hosts<P extends string>(part: P): readonly Found<P>[];
}

/** A variable, or what lies inside its value by keys and indices: `['services', 0, 'vip']`. */
export type VariablePath = string | readonly [variable: string, ...inside: (string | number)[]];

/** What the functions of a part are given. */
export interface RoleContext<V> {
  readonly host: HostView;
  readonly variables: V;
  readonly farm: FarmView;
  /** Renders `templates/ROLE/NAME` strictly: a name that is missing in `data` is an error with the template's line. */
  render(template: string, data: Readonly<Record<string, unknown>>): Content;
  /** Only where the part declares `facts`; undefined where an offline command has none. */
  readonly facts: Facts | undefined;
  /** Reports a mistake in this host's variables: the diagnostic points at the place in the inventory. */
  reject(variable: VariablePath, detail: string, hint?: string): never;
  /** As `reject` for what works, but badly: a warning, and the role goes on. */
  warn(variable: VariablePath, detail: string, hint?: string): void;
}

/**
 * `nfs/server` (only order), or that its failure (`all` or `any` host of it) stops this part, or that the order counts
 * on one host alone: a tier must list that part first, and no other host is waited for.
 */
export type After =
  | string
  | { readonly part: string; readonly needs: 'all' | 'any' }
  | { readonly part: string; readonly on: 'same-host' };

/** For `rollout`: a host of the part that is still to be changed. */
export interface RolloutHost {
  readonly name: string;
  /** The gravest risk of its changes. */
  readonly risk: Risk;
  /** Whether a service of the part ran there when the plan was made. */
  readonly wasActive: boolean;
  /** Names of the VIPs of which it is one of the pair and which it has at this moment. */
  readonly holds: readonly string[];
}

/** One side of a role, or the role itself where it has no sides. */
export interface Part<V> {
  readonly after?: readonly After[];
  /**
   * Parts whose hosts need this one to their end: a change here waits until what leaves of them on other hosts is gone,
   * unless something new would then never come.
   */
  readonly outlasts?: readonly string[];
  /** True: `facts` of the host are probed first, which costs one exchange. */
  readonly facts?: boolean;
  resources(context: RoleContext<V>): readonly Resource[];
  checks?(context: RoleContext<V>): readonly Check[];
  /** A pure function of host and variables: what others get who look this part up. */
  offers?(context: Pick<RoleContext<V>, 'host' | 'variables'>): unknown;
  /**
   * Batches of host names, changed one after the other. It is asked for each pair by itself and for all other hosts
   * together, and again before each batch, for those that are left. Where absent: together up to a reload; from a restart
   * on one at a time, of a pair the one without the virtual address first.
   */
  rollout?(hosts: readonly RolloutHost[]): readonly (readonly string[])[];
  /**
   * With `rollout`, for a configuration that all of a pair must load alike. True: the new files of a running service lie
   * on all hosts that `rollout` is asked about before the first of them reloads or restarts it; where that fails on one
   * of them, the others get their old ones back.
   */
  readonly filesFirst?: boolean;
}

interface RoleHead<S extends TObject> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Tags besides the role's name. */
  readonly tags?: readonly string[];
  /** Systems that it was tried on, `debian-12`; another host is refused clearly. */
  readonly systems: readonly string[];
  readonly variables: S;
}

/** A role without sides. */
export type SimpleRole<S extends TObject> = RoleHead<S> & Part<Static<S>>;

/** A role with sides. `partOf` decides where the tier names the role only. */
export interface SidedRole<S extends TObject> extends RoleHead<S> {
  readonly parts: Readonly<Record<string, Part<Static<S>>>>;
  partOf?(host: HostView, variables: Static<S>, farm: FarmView): string;
}

/** A role as the engine sees it, whatever its author wrote: parts by full name (`bind9/primary`, or `base`). */
export interface Role {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly systems: readonly string[];
  readonly variables: TObject;
  readonly parts: ReadonlyMap<string, Part<unknown>>;
  partOf?(host: HostView, variables: unknown, farm: FarmView): string;
}

const HEAD_KEYS = ['name', 'summary', 'tags', 'systems', 'variables'];
const PART_KEYS = ['after', 'outlasts', 'facts', 'resources', 'checks', 'offers', 'rollout', 'filesFirst'];

function refuseLoneFilesFirst(where: string, part: Part<never>): void {
  if (part.filesFirst === true && part.rollout === undefined)
    throw new TypeError(`${where} has "filesFirst" without "rollout", which says who comes next.`);
}

function refuseStrayKeys(where: string, value: object, allowed: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (allowed.includes(key)) continue;
    const near = closest(key, allowed);
    throw new TypeError(`${where} has no "${key}".${near === undefined ? '' : ` Did you mean "${near}"?`}`);
  }
}

/**
 * Makes a role. The default export of `roles/NAME/role.ts`.
 * @throws TypeError for a key that is none of a role's: a misspelt `checks` would be passed over
 */
export function defineRole<S extends TObject>(definition: SimpleRole<S> | SidedRole<S>): Role {
  const { name, summary, tags = [], systems, variables } = definition;
  const head = { name, summary, tags, systems, variables };
  if (!('parts' in definition)) {
    refuseStrayKeys(`the role ${name}`, definition, [...HEAD_KEYS, ...PART_KEYS, 'parts', 'partOf']);
    refuseLoneFilesFirst(`the role ${name}`, definition);
    return { ...head, parts: new Map([[name, definition as Part<unknown>]]) };
  }
  refuseStrayKeys(`the role ${name}`, definition, [...HEAD_KEYS, 'parts', 'partOf']);
  const parts = new Map<string, Part<unknown>>();
  for (const [side, part] of Object.entries(definition.parts)) {
    refuseStrayKeys(`the part ${name}/${side}`, part, PART_KEYS);
    refuseLoneFilesFirst(`the part ${name}/${side}`, part);
    parts.set(`${name}/${side}`, part as Part<unknown>);
  }
  const { partOf } = definition;
  if (partOf === undefined) return { ...head, parts };
  return { ...head, parts, partOf: (host, given, farm) => `${name}/${partOf(host, given as Static<S>, farm)}` };
}
