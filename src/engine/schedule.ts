import { semaphore } from '../lib/semaphore.ts';
import type { Risk } from '../resource/change.ts';
import { type Dependency, type Node, nodeKey } from '../role/order.ts';
import { type TurnOptions, takeTurns } from './turns.ts';

export type NodeOutcome = 'done' | 'failed' | 'not-attempted' | 'interrupted';

/** A node with work to do. Nodes without work are done when their dependencies are. */
export interface Work {
  readonly node: Node;
  readonly dependencies: readonly Dependency[];
  /** The gravest risk of its changes. */
  readonly risk: Risk;
  /** False for a node that has nothing to change: it only passes the order on. */
  readonly hasChanges: boolean;
  /** Whether one of its services ran when the plan was made. */
  readonly wasActive: boolean;
  /** Set where the node must not begin at all: its part was refused somewhere, its host cannot be changed. */
  readonly blocked: boolean;
}

/** Sends the files of nodes ahead. Must not throw. */
export interface Ahead {
  isWanted(node: Node): boolean;
  send(node: Node): Promise<NodeOutcome>;
  /** The node does not get its turn after all. */
  takeBack(node: Node): Promise<void>;
}

export interface ScheduleOptions {
  readonly turns: TurnOptions;
  readonly forks: number;
  readonly isStopping: () => boolean;
  /** For parts with `filesFirst`: what is done before the node has its turn. */
  readonly ahead?: Ahead;
  /** Makes the node. Must not throw. */
  readonly run: (node: Node) => Promise<NodeOutcome>;
  readonly finished: (node: Node, outcome: NodeOutcome) => void;
}

/**
 * Runs the nodes in the order of their dependencies, at most `forks` at once, each when it has its turn in its part:
 * after a failure the later hosts of that part are not begun. A node whose host failed earlier, or which needs a part
 * that failed, is not attempted.
 */
export async function runSchedule(works: readonly Work[], options: ScheduleOptions): Promise<void> {
  const outcomes = new Map<string, Promise<NodeOutcome>>();
  const byKey = new Map(works.map((work) => [nodeKey(work.node), work]));
  const forks = semaphore(options.forks);
  const contenders = new Map(
    works
      .filter((work) => work.hasChanges && !work.blocked)
      .map((work) => [work, { ...work.node, risk: work.risk, wasActive: work.wasActive }]),
  );
  const turns = takeTurns([...contenders.values()], options.turns);
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

  async function begin(work: Work): Promise<NodeOutcome> {
    const ready = await mayBegin(work);
    const { node } = work;
    const isOut = () => !ready || work.blocked || failedHosts.has(node.host);
    if (!work.hasChanges) return isOut() ? 'not-attempted' : 'done';
    if (options.isStopping()) return 'interrupted';
    const contender = contenders.get(work);
    if (isOut() || contender === undefined) return 'not-attempted';
    const ahead = options.ahead?.isWanted(node) === true ? options.ahead : undefined;
    if (ahead !== undefined) {
      turns.preparing(contender);
      const sent = await forks.use(async () => (options.isStopping() ? 'interrupted' : ahead.send(node)));
      if (sent !== 'done') return sent;
    }
    const hasTurn = await turns.ready(contender);
    return forks.use(async () => {
      const isStopping = options.isStopping();
      if (!isStopping && hasTurn && !isOut()) return options.run(node);
      await ahead?.takeBack(node);
      return isStopping ? 'interrupted' : 'not-attempted';
    });
  }

  function outcomeOf(key: string): Promise<NodeOutcome> {
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const work = byKey.get(key);
    // What is not selected, or was left out, counts as done.
    if (work === undefined) return Promise.resolve('done');
    const outcome = begin(work).then((how) => {
      if (how !== 'done' && work.hasChanges) failedHosts.add(work.node.host);
      const contender = contenders.get(work);
      if (contender !== undefined) turns.ended(contender, how === 'failed');
      options.finished(work.node, how);
      return how;
    });
    outcomes.set(key, outcome);
    return outcome;
  }

  await Promise.all(works.map((work) => outcomeOf(nodeKey(work.node))));
}
