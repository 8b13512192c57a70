import type { After, Role } from '../role/define.ts';
import { type SchemaRow, schemaRows } from './schema-rows.ts';
import type { Style } from './style.ts';
import { columns, indent } from './text.ts';

/** A line per role. */
export function renderRoles(roles: Iterable<Role>, style: Style): string {
  const all = [...roles];
  const lines = columns(all.map((role) => [role.name, role.summary]));
  // Coloured after aligning: colours have no width.
  return `${lines.map((line, index) => style.bold(line.slice(0, all[index]?.name.length)) + line.slice(all[index]?.name.length)).join('\n')}\n`;
}

/** The reference of one role: what it is, its parts and its variables. */
export function renderRole(role: Role, style: Style): string {
  const rows = schemaRows(role.variables);
  const lines = [style.bold(role.name), indent(role.summary, '  '), '', ...heads(role).map((line) => `  ${line}`)];
  if (rows.length > 0) lines.push('', style.bold('Variables'), ...rows.flatMap((row) => variable(row, style)));
  else lines.push('', 'It has no variables.');
  return `${lines.join('\n')}\n`;
}

function heads(role: Role): string[] {
  const sides = [...role.parts].filter(([part]) => part !== role.name);
  const pairs: [string, string][] = [['systems', role.systems.join(', ')]];
  if (role.tags.length > 0) pairs.push(['tags', role.tags.join(', ')]);
  if (sides.length > 0) {
    const chosen = role.partOf === undefined ? 'a tier names one' : 'chosen by the role where a tier names none';
    pairs.push(['parts', `${sides.map(([part]) => part).join(', ')} (${chosen})`]);
  }
  for (const [part, { after = [] }] of role.parts) {
    if (after.length > 0) pairs.push([sides.length > 0 ? `${part} after` : 'after', after.map(afterWords).join(', ')]);
  }
  return columns(pairs);
}

export const afterWords = (after: After) => {
  if (typeof after === 'string') return after;
  return `${after.part} (${'on' in after ? 'on the same host' : `needs ${after.needs} of its hosts`})`;
};

function variable({ name, type, required, fallback, description }: SchemaRow, style: Style): string[] {
  const value = required ? style.yellow('required') : fallback === undefined ? 'optional' : `default ${fallback}`;
  const lines = [`  ${style.bold(name)}  ${style.cyan(type)}, ${value}`];
  if (description !== undefined) lines.push(indent(description, '      '));
  return lines;
}

/** The same reference as a Markdown section: for the project's documentation. */
export function roleMarkdown(role: Role): string {
  const lines = [
    `## ${role.name}`,
    '',
    role.summary,
    '',
    ...heads(role).map((line) => `- ${line.replace(/ {2,}/, ': ')}`),
  ];
  const rows = schemaRows(role.variables);
  if (rows.length > 0) {
    lines.push('', '| variable | type | default | meaning |', '|---|---|---|---|');
    for (const { name, type, required, fallback, description } of rows) {
      const value = required ? '**required**' : fallback === undefined ? '' : `\`${fallback}\``;
      // Brackets of a pattern would be read as a link.
      const words = type.replaceAll(/text like (\S+?)(?=, or |$)/g, 'text like `$1`');
      const cells = [`\`${name}\``, words, value, description ?? ''];
      lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
