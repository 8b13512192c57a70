import { semaphore } from '../lib/semaphore.ts';
import type { PartFilter } from '../plan/host-plan.ts';
import { PLAN_FORMAT_VERSION, type Plan } from '../plan/plan.ts';
import { graver, type Risk } from '../resource/change.ts';
import type { Role } from '../role/define.ts';
import { orderNodes } from '../role/order.ts';
import { orderOutlasting } from '../role/outlasting-order.ts';
import { orderRemovals } from '../role/removal-order.ts';
import { resolveFarm } from '../role/view.ts';
import { applyPart } from './apply-part.ts';
import type { StepWatcher } from './apply-steps.ts';
import type { HostResult } from './events.ts';
import { sendFilesAhead, takeFilesBack } from './files-first.ts';
import { heldVips, partners } from './held-vips.ts';
import { holdBack, partsTogether } from './hold-back.ts';
import { type HostRun, interruption, letGo, newHostRun, resultOf, stepsOf } from './host-run.ts';
import { planHostRun } from './plan-host-run.ts';
import type { PreparedRun, RunOptions } from './run.ts';
import { runSchedule, type Work } from './schedule.ts';

/** The filter that `-t` and `--skip-tags` say: a part has its role's name, its own full name and the role's tags. */
export function tagFilter(
  roles: ReadonlyMap<string, Role>,
  tags: readonly string[],
  skipTags: readonly string[],
): PartFilter {
  return (part, role) => {
    const names = [part, role, ...(roles.get(role)?.tags ?? [])];
    if (skipTags.some((tag) => names.includes(tag))) return false;
    return tags.length === 0 || tags.some((tag) => names.includes(tag));
  };
}

/**
 * Looks at the selected hosts and makes the plan. Connections to hosts with changes stay open for `apply`; the caller
 * must `close`.
 * @param mayApply false: nothing will be applied, so no connection is kept
 * @throws FarmError if the order of the parts runs in a circle
 */
export async function prepareRun(options: RunOptions, { mayApply = true } = {}): Promise<PreparedRun> {
  const { farm, roles, report } = options;
  const resolved = resolveFarm(farm, roles);
  const filter = tagFilter(roles, options.tags, options.skipTags);
  const graph = orderNodes(new Map([...farm.hosts.keys()].map((name) => [name, resolved.partsOf(name)])));
  const runs: HostRun[] = options.hosts.flatMap((name) => {
    const host = farm.hosts.get(name);
    return host === undefined ? [] : [newHostRun(host)];
  });
  report({ kind: 'run-started', hosts: options.hosts });
  const forks = semaphore(options.forks);
  const together = new Map<HostRun, readonly string[]>();
  await Promise.all(
    runs.map((run) =>
      forks.use(async () => {
        await planHostRun(run, resolved, filter, options);
        run.plan = run.failure === undefined ? run.plan : { ...run.plan, state: failedState(run) };
        together.set(run, partsTogether(run, options));
        // A thousand hosts without changes must not be held in memory until the last one is looked at.
        if (!mayApply || run.steps.length === 0) letGo(run);
        report({ kind: 'host-planned', plan: run.plan });
      }),
    ),
  );
  holdBack(runs, together, options);
  const plan: Plan = {
    formatVersion: PLAN_FORMAT_VERSION,
    farm: farm.name,
    hosts: runs.map((run) => withFailure(run)),
  };
  let isApplied = false;

  return {
    plan,
    get results() {
      return runs.map((run) => resultOf(run, isApplied));
    },
    async apply() {
      isApplied = true;
      await applyRuns(runs, graph, options, roles);
      const results: HostResult[] = runs.map((run) => resultOf(run, true));
      for (const result of results) report({ kind: 'host-finished', result });
      return results;
    },
    close() {
      for (const run of runs) {
        run.session?.close();
        run.connection?.close();
      }
    },
  };
}

function failedState(run: HostRun) {
  const outcome = run.failure?.outcome;
  return outcome === 'unreachable' || outcome === 'locked' ? outcome : 'failed';
}

function withFailure(run: HostRun): Plan['hosts'][number] {
  if (run.failure === undefined) return run.plan;
  return { ...run.plan, diagnostics: [...run.plan.diagnostics, run.failure.diagnostic] };
}

function riskOf(run: HostRun, part: string): Risk {
  return stepsOf(run, part).reduce<Risk>((gravest, step) => graver(gravest, step.change.risk), 'none');
}

function wasActive(run: HostRun, part: string): boolean {
  return stepsOf(run, part).some((step) => step.effect?.transaction?.wasActive === true);
}

async function applyRuns(
  runs: readonly HostRun[],
  graph: ReturnType<typeof orderNodes>,
  options: RunOptions,
  roles: ReadonlyMap<string, Role>,
): Promise<void> {
  const { report } = options;
  const byHost = new Map(runs.map((run) => [run.host.name, run]));
  // A configuration that is refused on one host stops that part on all.
  const refusedParts = new Set(
    runs.flatMap((run) =>
      run.plan.diagnostics
        .filter((one) => one.code === 'service/refused-configuration')
        .flatMap((one) =>
          run.steps.filter((step) => `${step.change.type} ${step.change.id}` === one.resource).map((step) => step.part),
        ),
    ),
  );
  const nodesByHost = Map.groupBy(graph.values(), ({ node }) => node.host);
  const partOf = (name: string) => [...roles.values()].find((role) => role.parts.has(name))?.parts.get(name);
  const removals = orderRemovals(
    runs.map((run) => ({
      host: run.host.name,
      parts: (nodesByHost.get(run.host.name) ?? []).map(({ node }) => node.part),
      removed: [...new Set(run.steps.filter((step) => step.isRemoval).map((step) => step.part))],
    })),
    (name) => partOf(name)?.after ?? [],
  );
  const removalsByHost = Map.groupBy(removals.values(), ({ node }) => node.host);
  // Who could not be reached when the plan was made is left out: those who come after it do not wait.
  const reached = runs.filter((run) => run.plan.state !== 'unreachable');
  const planned = reached.flatMap((run): Work[] => {
    const blocked = run.failure !== undefined || run.plan.state === 'refused';
    const made = nodesByHost.get(run.host.name) ?? [];
    const taken = removalsByHost.get(run.host.name) ?? [];
    return [...made, ...taken].map(({ node, dependencies }) => ({
      node,
      dependencies,
      risk: riskOf(run, node.part),
      hasChanges: stepsOf(run, node.part).length > 0,
      wasActive: wasActive(run, node.part),
      blocked: blocked || refusedParts.has(node.part) || run.heldBack.has(node.part),
    }));
  });
  const works = orderOutlasting(planned, (name) => partOf(name)?.outlasts ?? []);
  const changing = works.filter((work) => work.hasChanges && !work.blocked);
  const parts = Map.groupBy(changing, (work) => work.node.part);
  const left = new Map<string, number>();
  for (const { node } of works) left.set(node.host, (left.get(node.host) ?? 0) + 1);
  report({
    kind: 'apply-started',
    parts: [...parts].map(([part, all]) => ({ part, hosts: all.map(({ node }) => node.host) })),
  });
  const watcherOf = (run: HostRun, part: string): StepWatcher => {
    const host = run.host.name;
    return {
      started: (change) => report({ kind: 'change-started', host, change }),
      made: (change, already, durationMs) => {
        if (already) run.settled += 1;
        else run.changed += 1;
        report({ kind: 'change-made', host, part, change, already, durationMs });
      },
      failed: (change, diagnostic) => {
        run.failure ??= { outcome: 'failed', diagnostic };
        report({ kind: 'change-failed', host, change, diagnostic });
      },
    };
  };
  await runSchedule(works, {
    turns: {
      rolloutOf: (part) => partOf(part)?.rollout,
      partnersOf: partners(options.farm),
      held: async (host) => {
        const run = byHost.get(host);
        return run === undefined ? [] : heldVips(run, options);
      },
    },
    forks: options.forks,
    isStopping: () => options.stopping.aborted,
    ahead: {
      isWanted: ({ part }) => partOf(part)?.filesFirst === true,
      send: async ({ host, part }) => {
        const run = byHost.get(host);
        return run === undefined ? 'not-attempted' : sendFilesAhead(run, part, options, watcherOf(run, part));
      },
      takeBack: async ({ host, part }) => {
        const run = byHost.get(host);
        if (run !== undefined) await takeFilesBack(run, part, options);
      },
    },
    run: async ({ host, part }) => {
      const run = byHost.get(host);
      if (run === undefined) return 'not-attempted';
      report({ kind: 'part-started', host, part });
      return applyPart(run, part, options, watcherOf(run, part));
    },
    finished: ({ host, part }, outcome) => {
      const run = byHost.get(host);
      if (run !== undefined && stepsOf(run, part).length > 0) report({ kind: 'part-finished', host, part, outcome });
      left.set(host, (left.get(host) ?? 1) - 1);
      // The lock goes with the connection: a host that is done does not wait for the others.
      if (left.get(host) === 0) run?.session?.close();
      if (outcome === 'interrupted' && run !== undefined) run.failure ??= interruption(host);
    },
  });
}
