import { RISKS, type Risk } from '../resource/change.ts';
import type { Part, RolloutHost } from '../role/define.ts';

/** A part of a host that has changes to make, as far as its turn depends on it. */
export interface Contender {
  readonly host: string;
  readonly part: string;
  /** The gravest risk of its changes. */
  readonly risk: Risk;
  /** Whether one of its services ran when the plan was made. */
  readonly wasActive: boolean;
}

export interface TurnOptions {
  /** The part's own rollout; undefined: the default order. */
  rolloutOf(part: string): Part<unknown>['rollout'];
  /** Those with which the host shares a virtual address. */
  partnersOf(host: string): readonly string[];
  /** The VIPs that the host has now. Only asked for a host that is ready and so does nothing else. Must not throw. */
  held(host: string): Promise<readonly string[]>;
}

/** Says who may begin, and when. */
export interface Turns {
  /** The contender does something before it is ready: nobody is stuck meanwhile. */
  preparing(contender: Contender): void;
  /** The contender could begin now. Resolves with true once it may, with false if a failure before it forbids that. */
  ready(contender: Contender): Promise<boolean>;
  /** It is over with the contender, whether it began or not. */
  ended(contender: Contender, hasFailed: boolean): void;
}

interface Entry {
  readonly contender: Contender;
  state: 'coming' | 'ready' | 'running' | 'refused';
  answer: { go(may: boolean): void; fail(error: unknown): void } | undefined;
}

/** Those of one part that mind each other's turns. */
interface Queue {
  readonly rollout: Part<unknown>['rollout'];
  readonly entries: Set<Entry>;
  readonly part: string;
  isChoosing: boolean;
  isStale: boolean;
}

const isGrave = ({ risk }: Contender): boolean => RISKS.indexOf(risk) >= RISKS.indexOf('restart');

/**
 * Gives the turns. By default what is at most reloaded begins at once, and from a restart on a part is changed one host
 * at a time, of a pair the one without the virtual address first. A part with a rollout is asked for its batches again
 * before each, for each pair by itself. Whatever the parts, the two of a pair are never restarted at the same time. Who
 * holds what is looked at anew each time.
 */
export function takeTurns(contenders: readonly Contender[], options: TurnOptions): Turns {
  const queues = new Map<string, Queue>();
  const placeOf = new Map<string, { readonly queue: Queue; readonly entry: Entry }>();
  const keyOf = ({ host, part }: Contender): string => `${host}\n${part}`;
  /** Of pairs: who is being restarted. */
  const restarting = new Set<string>();
  const begun = new Set<string>();
  const failedParts = new Set<string>();
  let choosing = 0;

  for (const contender of contenders) {
    const { host, part } = contender;
    const rollout = options.rolloutOf(part);
    if (rollout === undefined && !isGrave(contender)) continue;
    const group = rollout === undefined ? '' : [...groupOf(host, options)].sort().join(' ');
    const key = `${part}\n${group}`;
    const queue: Queue = queues.get(key) ?? {
      rollout,
      entries: new Set(),
      part,
      isChoosing: false,
      isStale: false,
    };
    queues.set(key, queue);
    const entry: Entry = { contender, state: 'coming', answer: undefined };
    queue.entries.add(entry);
    placeOf.set(keyOf(contender), { queue, entry });
  }

  const isHeldUp = ({ contender }: Entry): boolean =>
    isGrave(contender) && options.partnersOf(contender.host).some((one) => restarting.has(one));

  async function lookAt(entries: readonly Entry[]): Promise<ReadonlyMap<Entry, readonly string[]>> {
    const looks = entries.map(async (entry) => {
      const { host } = entry.contender;
      const isPaired = options.partnersOf(host).length > 0;
      return [entry, isPaired ? await options.held(host) : []] as const;
    });
    return new Map(await Promise.all(looks));
  }

  /** The batch that the part's own rollout wants next, of those that are ready. */
  async function nextBatch(rollout: NonNullable<Queue['rollout']>, ready: readonly Entry[]): Promise<readonly Entry[]> {
    const holds = await lookAt(ready);
    const hosts: RolloutHost[] = ready.map((entry) => {
      const { host, risk, wasActive } = entry.contender;
      return { name: host, risk, wasActive, holds: holds.get(entry) ?? [] };
    });
    for (const batch of rollout(hosts)) {
      const named = ready.filter(({ contender }) => batch.includes(contender.host));
      if (named.length > 0) return named;
    }
    // Whom the rollout leaves out comes after all others.
    return ready;
  }

  /** One host: of a pair of which both are still to come, the one that holds nothing. */
  async function nextOne(queue: Queue, ready: readonly Entry[], isForced: boolean): Promise<readonly Entry[]> {
    const partners = new Map(
      ready.map((entry) => {
        const names = options.partnersOf(entry.contender.host);
        return [entry, [...queue.entries].filter((one) => names.includes(one.contender.host))] as const;
      }),
    );
    const holds = await lookAt(ready.filter((entry) => (partners.get(entry) ?? []).length > 0));
    const isActive = (entry: Entry): boolean => (holds.get(entry) ?? []).length > 0;
    const mayGo = (entry: Entry): boolean =>
      !isActive(entry) || (partners.get(entry) ?? []).every((one) => one.state === 'ready' && isActive(one));
    const next = ready.find((entry) => !isActive(entry)) ?? ready.find((entry) => isForced || mayGo(entry));
    return next === undefined ? [] : [next];
  }

  async function choose(queue: Queue, isForced: boolean): Promise<void> {
    const entries = [...queue.entries];
    const ready = entries.filter((entry) => entry.state === 'ready');
    if (ready.length === 0 || entries.some((entry) => entry.state === 'running')) return;
    if (failedParts.has(queue.part)) {
      for (const entry of ready) refuse(entry);
      return;
    }
    const { rollout } = queue;
    const isEarly = rollout !== undefined && ready.length < entries.length && !isForced;
    if (isEarly || ready.every(isHeldUp)) return;
    try {
      const free = ready.filter((entry) => !isHeldUp(entry));
      const chosen = rollout === undefined ? await nextOne(queue, free, isForced) : await nextBatch(rollout, ready);
      if (chosen.some(isHeldUp)) return;
      for (const entry of chosen) begin(entry);
    } catch (error) {
      for (const entry of ready) {
        entry.state = 'refused';
        entry.answer?.fail(error);
      }
    }
  }

  function refuse(entry: Entry): void {
    entry.state = 'refused';
    entry.answer?.go(false);
  }

  function begin(entry: Entry): void {
    const { contender } = entry;
    entry.state = 'running';
    if (isGrave(contender) && options.partnersOf(contender.host).length > 0) restarting.add(contender.host);
    begun.add(keyOf(contender));
    entry.answer?.go(true);
  }

  async function pump(queue: Queue, isForced = false): Promise<void> {
    queue.isStale = true;
    if (queue.isChoosing) return;
    queue.isChoosing = true;
    choosing += 1;
    while (queue.isStale) {
      queue.isStale = false;
      await choose(queue, isForced);
    }
    queue.isChoosing = false;
    choosing -= 1;
    setImmediate(loosen);
  }

  /** Where everybody waits for somebody else's turn the order has no answer: the first that is ready begins. */
  function loosen(): void {
    if (begun.size > 0 || choosing > 0) return;
    const stuck = [...queues.values()].find((queue) => [...queue.entries].some((entry) => entry.state === 'ready'));
    if (stuck !== undefined) void pump(stuck, true);
  }

  return {
    preparing(contender) {
      begun.add(keyOf(contender));
    },
    ready(contender) {
      const key = keyOf(contender);
      begun.delete(key);
      const place = placeOf.get(key);
      if (place === undefined) {
        begun.add(key);
        return Promise.resolve(true);
      }
      const { queue, entry } = place;
      return new Promise((go, fail) => {
        entry.state = 'ready';
        entry.answer = { go, fail };
        void pump(queue);
      });
    },
    ended(contender, hasFailed) {
      const key = keyOf(contender);
      begun.delete(key);
      if (hasFailed) failedParts.add(contender.part);
      const place = placeOf.get(key);
      if (place?.entry.state === 'running') restarting.delete(contender.host);
      place?.queue.entries.delete(place.entry);
      for (const queue of queues.values()) void pump(queue);
    },
  };
}

/** The host and all with which it shares virtual addresses, by however many steps; alone it is of no group. */
function groupOf(host: string, options: TurnOptions): ReadonlySet<string> {
  const group = new Set(options.partnersOf(host));
  if (group.size === 0) return group;
  group.add(host);
  for (const one of group) for (const other of options.partnersOf(one)) group.add(other);
  return group;
}
