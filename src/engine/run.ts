import type { Facts } from '../model/facts.ts';
import type { Farm } from '../model/farm.ts';
import type { Plan } from '../plan/plan.ts';
import type { Role } from '../role/define.ts';
import type { Transport } from '../transport/transport.ts';
import type { HostResult, Reporter } from './events.ts';

/** What a command gives to the engine. */
export interface RunOptions {
  readonly farm: Farm;
  readonly roles: ReadonlyMap<string, Role>;
  /** Templates by `ROLE/NAME` and partials, as src/template/load.ts reads them. */
  readonly templates: import('../template/render.ts').Templates;
  readonly transport: Transport;
  /** Names of the hosts to work on, in the order of the inventory. */
  readonly hosts: readonly string[];
  /** Parts are filtered by these; empty: all. */
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** At most so many hosts at once. */
  readonly forks: number;
  readonly lockTimeoutMs: number;
  readonly report: Reporter;
  /** First abort: finish the steps under way and stop. */
  readonly stopping: AbortSignal;
  /** Second: stop at once. */
  readonly killing: AbortSignal;
}

/** A plan with what is needed to make it: open connections and scripts. Must be closed. */
export interface PreparedRun {
  readonly plan: Plan;
  /** Makes the changes of the plan. At most once. */
  apply(): Promise<readonly HostResult[]>;
  /** The results where nothing is applied. */
  readonly results: readonly HostResult[];
  close(): void;
}

/** One check's answer. */
export interface CheckResult {
  readonly host: string;
  readonly part: string;
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** True where the detail is worth telling of a good check too. */
  readonly isFinding?: boolean;
  readonly durationMs: number;
}

export type FactsResult =
  | { readonly host: string; readonly facts: Facts; readonly result: HostResult }
  | { readonly result: HostResult };
