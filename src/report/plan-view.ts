import type { HostPlan, Plan, PlannedChange } from '../plan/plan.ts';
import type { Risk, TextChange } from '../resource/change.ts';
import { diffLines } from './diff.ts';
import { fieldLines } from './field-lines.ts';
import { hostList } from './host-list.ts';
import { groupChanges } from './plan-groups.ts';
import { countPlan, planSummary } from './plan-summary.ts';
import { shortList } from './shorten.ts';
import type { Paint, Style } from './style.ts';
import { count, printableLine } from './text.ts';

export interface PlanViewOptions {
  readonly style: Style;
  /** `-D`: diffs whole, however long. */
  readonly fullDiffs: boolean;
}

const SYMBOLS = { create: '+', update: '~', delete: '-' } as const;

/** The plan as people read it: changes by part, identical ones of several hosts once, then the sum. */
export function renderPlan(plan: Plan, options: PlanViewOptions): string {
  const { style } = options;
  const lines: string[] = [];
  for (const { part, groups } of groupChanges(plan.hosts)) {
    lines.push(style.bold(printableLine(part)));
    for (const { change, hosts } of groups) lines.push(...renderChange(change, hosts, options));
    lines.push('');
  }
  lines.push(...renderLeftovers(plan.hosts, style));
  const [first = '', ...rest] = planSummary(plan);
  const { create, update, delete: deleted } = countPlan(plan);
  const isAsDescribed = create + update + deleted === 0 && plan.hosts.every((host) => host.state === 'planned');
  lines.push(isAsDescribed ? style.green(first) : style.bold(first));
  lines.push(...rest.map((line) => style.yellow(line)));
  return `${lines.join('\n')}\n`;
}

function renderChange(change: PlannedChange, hosts: readonly string[], options: PlanViewOptions): string[] {
  const { style } = options;
  const paint = actionPaint(change, style);
  const head = [
    `${paint(SYMBOLS[change.action])} ${printableLine(change.type)} ${style.bold(printableLine(change.title))}`,
  ];
  if (change.risk !== 'none') head.push(riskPaint(change.risk, style)(`[${change.risk}]`));
  head.push(style.dim(hosts.length === 1 ? `on ${hosts[0]}` : `same on ${hosts.length} hosts: ${hostList(hosts)}`));
  const body: string[] = [];
  if (change.unknownUntil !== undefined) {
    body.push(style.magenta(`unknown until ${printableLine(change.unknownUntil)}: what follows is the most it can be`));
  }
  const shorten = { style, full: options.fullDiffs };
  body.push(...shortList(fieldLines(change.fields, style), (line) => line, 'line', shorten));
  const texts = shortList(change.texts, (text) => renderText(text, change, options).join('\n'), 'file', shorten);
  body.push(...texts.flatMap((one) => one.split('\n')));
  body.push(...change.notes.map((note) => style.dim(printableLine(note))));
  return [`  ${head.join('  ')}`, ...body.map((line) => `      ${line}`)];
}

function renderText(text: TextChange, change: PlannedChange, options: PlanViewOptions): string[] {
  const diff = diffLines(text, { style: options.style, full: options.fullDiffs });
  const needsPath = change.texts.length > 1 || (text.path !== change.id && text.path !== change.title);
  return needsPath ? [options.style.bold(printableLine(text.path)), ...diff] : diff;
}

function actionPaint(change: PlannedChange, style: Style): Paint {
  if (change.action === 'create') return style.green;
  return change.action === 'delete' ? style.red : style.yellow;
}

function riskPaint(risk: Risk, style: Style): Paint {
  if (risk === 'reload') return style.cyan;
  return risk === 'restart' ? style.yellow : style.red;
}

/** What stays on hosts though no role returns it: only told. */
function renderLeftovers(hosts: readonly HostPlan[], style: Style): string[] {
  const groups = new Map<string, string[]>();
  for (const { host, leftovers } of hosts) {
    for (const { type, id, reason } of leftovers) {
      const line = `${printableLine(type)} ${printableLine(id)}: ${printableLine(reason)}`;
      groups.set(line, [...(groups.get(line) ?? []), host]);
    }
  }
  if (groups.size === 0) return [];
  const lines = [...groups].map(([line, on]) => style.dim(`  ${line}  (on ${hostList(on)})`));
  return [style.bold(`Left on hosts, though no role wants it (${count(groups.size, 'thing')})`), ...lines, ''];
}
