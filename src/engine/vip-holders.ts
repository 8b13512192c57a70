import type { Vip } from '../model/farm.ts';
import type { CheckResult } from './run.ts';

/** What one host said when it was asked whether it has a VIP; `result` is the check that asked. */
export interface VipAnswer {
  readonly vip: string;
  readonly isHeld: boolean;
  readonly result: CheckResult;
}

/**
 * Puts the answers of both hosts of each pair together: good is exactly one that has the VIP. A host that was not
 * selected may have it; one that was, and does not answer, counts as if it had not.
 */
export function judgeVips(
  answers: readonly VipAnswer[],
  vips: ReadonlyMap<string, Vip>,
  selected: readonly string[],
): ReadonlyMap<CheckResult, CheckResult> {
  const judged = new Map<CheckResult, CheckResult>();
  for (const [name, unordered] of Map.groupBy(answers, (answer) => answer.vip)) {
    const pair: readonly string[] = vips.get(name)?.pair ?? [];
    const place = (answer: VipAnswer): number => pair.indexOf(answer.result.host);
    const ofVip = [...unordered].sort((one, other) => place(one) - place(other));
    const holders = ofVip.filter((answer) => answer.isHeld).map((answer) => answer.result.host);
    const asked = ofVip.map((answer) => answer.result.host);
    const silent = pair.filter((host) => !asked.includes(host));
    const mayBeElsewhere = silent.some((host) => !selected.includes(host));
    const { ok, detail } = verdict(holders, asked, silent, mayBeElsewhere);
    for (const { result } of ofVip) judged.set(result, { ...result, ok, detail, isFinding: true });
  }
  return judged;
}

function verdict(
  holders: readonly string[],
  asked: readonly string[],
  silent: readonly string[],
  mayBeElsewhere: boolean,
): { readonly ok: boolean; readonly detail: string } {
  const [holder] = holders;
  const why = mayBeElsewhere ? 'was not asked' : 'does not answer';
  const others = silent.length === 0 ? '' : `; ${silent.join(' and ')} ${why}`;
  if (holders.length > 1) return { ok: false, detail: `${holders.join(' and ')} both have it` };
  if (holder !== undefined) return { ok: true, detail: `${holder} has it${others}` };
  if (silent.length > 0) return { ok: mayBeElsewhere, detail: `${asked.join(' and ')} does not have it${others}` };
  return { ok: false, detail: `neither ${asked.join(' nor ')} has it` };
}
