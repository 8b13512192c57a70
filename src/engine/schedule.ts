import { semaphore } from '../lib/semaphore.ts';
import { RISKS, type Risk } from '../resource/change.ts';
import type { Dependency, Node } from '../role/order.ts';
import { nodeKey } from '../role/order.ts';

export type NodeOutcome = 'done' | 'failed' | 'not-attempted' | 'interrupted';

/** A node with work to do. Nodes without work are done when their dependencies are. */
export interface Work {
  readonly node: Node;
  readonly dependencies: readonly Dependency[];
  /** The gravest risk of its changes. */
  readonly risk: Risk;
  /** False for a node that has nothing to change: it only passes the order on. */
  readonly hasChanges: boolean;
  /** Undefined: default batches (all at once up to reload, then one at a time). Else: its place in the part's rollout. */
  readonly batch: number | undefined;
  /** Set where the node must not begin at all: its part was refused somewhere, its host cannot be changed. */
  readonly blocked: boolean;
}

export interface ScheduleOptions {
  readonly forks: number;
  readonly isStopping: () => boolean;
  /** Makes the node. Must not throw. */
  readonly run: (node: Node) => Promise<NodeOutcome>;
  readonly finished: (node: Node, outcome: NodeOutcome) => void;
}

/**
 * Runs the nodes in the order of their dependencies, at most `forks` at once. What only a restart reaches is changed
 * one host of a part at a time; after a failure the later hosts of that part are not begun. A node whose host failed
 * earlier, or which needs a part that failed, is not attempted.
 */
export async function runSchedule(works: readonly Work[], options: ScheduleOptions): Promise<void> {
  const outcomes = new Map<string, Promise<NodeOutcome>>();
  const byKey = new Map(works.map((work) => [nodeKey(work.node), work]));
  const forks = semaphore(options.forks);
  const turns = new Map<string, ReturnType<typeof semaphore>>();
  const failedParts = new Set<string>();
  const failedHosts = new Set<string>();

  async function mayBegin(work: Work): Promise<boolean> {
    const needed = new Map<string, { needs: 'all' | 'any'; failures: number; total: number }>();
    for (const { node, needs } of work.dependencies) {
      const outcome = await outcomeOf(nodeKey(node));
      if (needs === 'order') continue;
      const count = needed.get(node.part) ?? { needs, failures: 0, total: 0 };
      needed.set(node.part, { needs, total: count.total + 1, failures: count.failures + (outcome === 'done' ? 0 : 1) });
    }
    for (const { needs, failures, total } of needed.values()) {
      if (needs === 'all' && failures > 0) return false;
      if (needs === 'any' && failures === total) return false;
    }
    return true;
  }

  async function earlierBatches(work: Work): Promise<void> {
    if (work.batch === undefined) return;
    for (const other of works)
      if (other.node.part === work.node.part && other.batch !== undefined && other.batch < work.batch)
        await outcomeOf(nodeKey(other.node));
  }

  async function begin(work: Work): Promise<NodeOutcome> {
    const ready = await mayBegin(work);
    await earlierBatches(work);
    const { node } = work;
    if (!work.hasChanges) return ready && !work.blocked && !failedHosts.has(node.host) ? 'done' : 'not-attempted';
    const attempt = async (isLater: boolean): Promise<NodeOutcome> => {
      if (options.isStopping()) return 'interrupted';
      if (!ready || work.blocked || failedHosts.has(node.host) || (isLater && failedParts.has(node.part)))
        return 'not-attempted';
      const outcome = await forks.use(async () => (options.isStopping() ? 'interrupted' : options.run(node)));
      // Before the next host of the part gets its turn.
      if (outcome === 'failed') failedParts.add(node.part);
      return outcome;
    };
    const oneAtATime = work.batch === undefined && RISKS.indexOf(work.risk) >= RISKS.indexOf('restart');
    if (!oneAtATime) return attempt(work.batch !== undefined && work.batch > 0);
    const turn = turns.get(node.part) ?? semaphore(1);
    turns.set(node.part, turn);
    return turn.use(() => attempt(true));
  }

  function outcomeOf(key: string): Promise<NodeOutcome> {
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const work = byKey.get(key);
    // What is not selected, or was left out, counts as done.
    if (work === undefined) return Promise.resolve('done');
    const outcome = begin(work).then((how) => {
      if (how !== 'done' && work.hasChanges) failedHosts.add(work.node.host);
      options.finished(work.node, how);
      return how;
    });
    outcomes.set(key, outcome);
    return outcome;
  }

  await Promise.all(works.map((work) => outcomeOf(nodeKey(work.node))));
}
