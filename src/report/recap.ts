import type { HostOutcome, HostResult } from '../engine/events.ts';
import type { HostPlan, Plan } from '../plan/plan.ts';
import { hostList } from './host-list.ts';
import type { Paint, Style } from './style.ts';
import { columns, count } from './text.ts';

/** From so many hosts on, hosts with the same numbers share a line. */
const GROUP_FROM = 40;

/** A line per host after an apply, as Ansible's users know it, and a last one with the sum. */
export function renderRecap(plan: Plan, results: readonly HostResult[], style: Style): string {
  const plans = new Map(plan.hosts.map((one) => [one.host, one]));
  const hasNotMade = results.some((result) => result.notMade > 0);
  const cells = results.map((result) => ({
    host: result.host,
    outcome: result.outcome,
    row: recapRow(result, plans.get(result.host), hasNotMade),
  }));
  const rows: { label: string; outcome: HostOutcome; row: readonly string[] }[] = [];
  if (results.length < GROUP_FROM) {
    rows.push(...cells.map(({ host, ...rest }) => ({ label: host, ...rest })));
  } else {
    for (const group of Map.groupBy(cells, ({ outcome, row }) => [outcome, ...row].join(' ')).values()) {
      const [first] = group;
      if (first !== undefined) rows.push({ ...first, label: hostList(group.map(({ host }) => host)) });
    }
  }
  const aligned = columns(rows.map(({ label, row }) => [label, ...row]));
  const lines = aligned.map((line, index) => outcomePaint(rows[index]?.outcome ?? 'ok', style)(line));
  return `${lines.join('\n')}\n${recapSum(results, style)}\n`;
}

function recapRow(
  { outcome, changed, notMade }: HostResult,
  plan: HostPlan | undefined,
  hasNotMade: boolean,
): readonly string[] {
  // What was as desired when it was looked at, or when its turn came.
  const ok = (plan?.unchangedCount ?? 0) + Math.max(0, (plan?.changes.length ?? 0) - changed - notMade);
  const row = [`ok=${ok}`, `changed=${changed}`, ...(hasNotMade ? [`not-made=${notMade}`] : [])];
  return [...row, outcome === 'ok' || outcome === 'changed' ? '' : OUTCOME_WORDS[outcome]];
}

const OUTCOME_WORDS: Readonly<Record<HostOutcome, string>> = {
  ok: 'unchanged',
  changed: 'changed',
  failed: 'failed',
  unreachable: 'unreachable',
  locked: 'locked',
  'not-attempted': 'not attempted',
  interrupted: 'interrupted',
};

function outcomePaint(outcome: HostOutcome, style: Style): Paint {
  if (outcome === 'ok') return style.dim;
  if (outcome === 'changed') return style.green;
  return outcome === 'not-attempted' || outcome === 'interrupted' || outcome === 'locked' ? style.yellow : style.red;
}

function recapSum(results: readonly HostResult[], style: Style): string {
  const changes = results.reduce((sum, { changed }) => sum + changed, 0);
  const notMade = results.reduce((sum, result) => sum + result.notMade, 0);
  const words = Object.entries(OUTCOME_WORDS).flatMap(([outcome, word]) => {
    const number = results.filter((result) => result.outcome === outcome).length;
    return number === 0 ? [] : [`${number} ${word}`];
  });
  const left = notMade === 0 ? '' : `, ${notMade} not made`;
  return style.bold(`${count(results.length, 'host')}: ${words.join(', ')}; ${count(changes, 'change')} made${left}.`);
}
