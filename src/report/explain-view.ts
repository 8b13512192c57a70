import type { Explanation } from '../inventory/explain.ts';
import type { Level, Setting } from '../model/farm.ts';
import { Secret } from '../model/secret.ts';
import type { Style } from './style.ts';
import { columns, printableLine } from './text.ts';

const LEVELS: Readonly<Record<Level, string>> = {
  default: "the role's default",
  farm: 'farm',
  tier: 'tier',
  host: 'host',
  option: 'option -e',
};

/** The value that won, where it stands, and those that lost. */
export function renderExplanations(explanations: readonly Explanation[], style: Style): string {
  return `${explanations
    .map(({ role, variable, winner, losers }) => {
      const rows = [winner, ...losers].map((setting) => [LEVELS[setting.level], placeOf(setting), valueText(setting)]);
      const lines = columns(rows).map((line, index) =>
        index === 0 ? `  ${style.green('wins ')} ${line}` : style.dim(`  loses ${line}`),
      );
      return [`${style.bold(`${role}.${variable}`)} = ${valueText(winner)}`, ...lines].join('\n');
    })
    .join('\n\n')}\n`;
}

function placeOf({ at }: Setting): string {
  return at === undefined ? '' : printableLine(`${at.file}:${at.line}`);
}

/** As JSON, which is YAML too; secrets mask themselves. */
function valueText({ value }: Setting): string {
  return value instanceof Secret
    ? `(sensitive, from ${printableLine(value.origin)})`
    : printableLine(JSON.stringify(value) ?? 'null');
}
