import Handlebars from 'handlebars';
import { didYouMean, quotedList } from '../lib/closest.ts';
import { type Diagnostic, FarmError, type Place, problem } from '../model/diagnostic.ts';
import { helpers, isHelper } from './helpers.ts';
import { argumentsOf, type Call, known, nodeAt, pathsIn, programsOf, simpleName } from './syntax.ts';
import { findPartial, partialNames, type TemplateFile, type Templates } from './templates.ts';

/** Handlebars' own block helpers that templates may use, and ours. Each takes one value, `raw` none. */
const BLOCKS: Readonly<Record<string, number>> = { if: 1, unless: 1, each: 1, with: 1, raw: 0 };

/** What `@` may be followed by. */
const DATA_NAMES = ['root', 'index', 'key', 'first', 'last'];

/**
 * Parses a template and checks all that can be known without data: helpers, their arguments, partials.
 * @throws FarmError with all mistakes, `template/syntax`, `template/unknown-helper`, `template/not-found`
 */
export function parseTemplate(templates: Templates, file: TemplateFile): hbs.AST.Program {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(file.text);
  } catch (error) {
    throw new FarmError(syntaxProblem(file, error), { cause: error });
  }
  const check: Check = { templates, file, diagnostics: [] };
  checkProgram(check, program);
  if (check.diagnostics.length > 0) throw new FarmError(check.diagnostics);
  return program;
}

interface Check {
  readonly templates: Templates;
  readonly file: TemplateFile;
  readonly diagnostics: Diagnostic[];
}

function checkProgram(check: Check, program: hbs.AST.Program): void {
  for (const statement of program.body) checkStatement(check, statement);
}

function checkStatement(check: Check, statement: hbs.AST.Node): void {
  const node = known(statement);
  switch (node.type) {
    case 'MustacheStatement': {
      const name = simpleName(node.path);
      if (isHelper(name) || argumentsOf(node).length > 0) checkCall(check, node);
      else if (name !== undefined && Object.hasOwn(BLOCKS, name))
        complain(check, node, 'syntax', `"${name}" opens a block.`, `Write {{#${name} …}} and {{/${name}}}.`);
      else checkExpression(check, node.path);
      return;
    }
    case 'BlockStatement': {
      const name = simpleName(node.path);
      const wanted = name !== undefined && Object.hasOwn(BLOCKS, name) ? BLOCKS[name] : undefined;
      const hint = `The blocks are ${Object.keys(BLOCKS).join(', ')}.`;
      if (wanted === undefined)
        complain(
          check,
          node.path,
          'unknown-helper',
          `There is no block "${node.path.original}".${didYouMean(node.path.original, Object.keys(BLOCKS))}`,
          hint,
        );
      else if (node.params.length !== wanted)
        complain(
          check,
          node,
          'syntax',
          `The block "${name}" takes ${wanted === 1 ? 'one value' : 'no value'}, not ${node.params.length}.`,
        );
      for (const one of argumentsOf(node)) checkExpression(check, one);
      for (const program of programsOf(node)) checkProgram(check, program);
      return;
    }
    case 'PartialStatement': {
      const name = known(node.name).type === 'PathExpression' ? pathsIn(node.name)[0]?.original : undefined;
      if (name === undefined) complain(check, node, 'syntax', 'The name of a partial must be written out.');
      else if (findPartial(check.templates, name) === undefined) {
        const suggestion = didYouMean(name, partialNames(check.templates));
        complain(
          check,
          node.name,
          'not-found',
          `There is no partial "${name}".${suggestion}`,
          `It belongs to templates/_partials/${name}.hbs.`,
        );
      }
      for (const one of argumentsOf(node)) checkExpression(check, one);
      return;
    }
    case 'ContentStatement':
    case 'CommentStatement':
      return;
    default:
      complain(check, node, 'syntax', 'Decorators, inline partials and blocks of partials are not supported.');
  }
}

function checkExpression(check: Check, expression: hbs.AST.Node): void {
  const node = known(expression);
  if (node.type === 'SubExpression') checkCall(check, node);
  if (node.type !== 'PathExpression' || !node.data) return;
  const [name = ''] = node.parts;
  if (DATA_NAMES.includes(name)) return;
  const detail = `There is no "@${name}".${didYouMean(name, DATA_NAMES)}`;
  complain(check, node, 'undefined-variable', detail, `There are ${quotedList(DATA_NAMES.map((one) => `@${one}`))}.`);
}

function checkCall(check: Check, call: Call): void {
  const name = simpleName(call.path);
  const shown = known(call.path).type === 'PathExpression' ? pathsIn(call.path)[0]?.original : undefined;
  if (!isHelper(name)) {
    const all = [...Object.keys(helpers), 'lookup'];
    const detail = `There is no helper "${shown ?? 'literal'}".${didYouMean(shown ?? '', all)}`;
    complain(check, call.path, 'unknown-helper', detail, `The helpers are ${all.join(', ')}.`);
  } else {
    const [fewest, most] = name === 'lookup' ? [2, 2] : (helpers[name]?.arguments ?? [0, 0]);
    const given = call.params.length;
    if (given < fewest || given > most) {
      const wanted = fewest === most ? `${fewest}` : `${fewest} to ${most}`;
      const hint = given === 0 ? `A variable of that name is written {{this.${name}}}.` : undefined;
      complain(check, call, 'syntax', `The helper "${name}" takes ${wanted} values, not ${given}.`, hint);
    }
    if (argumentsOf(call).length > given)
      complain(check, call, 'syntax', `The helper "${name}" takes no named values.`);
  }
  for (const one of argumentsOf(call)) checkExpression(check, one);
}

const SUMMARIES = {
  syntax: 'Template syntax error',
  'unknown-helper': 'Unknown helper',
  'not-found': 'Template not found',
  'undefined-variable': 'Undefined variable',
} as const;

function complain(
  check: Check,
  node: { readonly loc: hbs.AST.SourceLocation },
  kind: keyof typeof SUMMARIES,
  detail: string,
  hint?: string,
): void {
  const rest = { at: nodeAt(check.file, node), ...(hint !== undefined && { hint }) };
  check.diagnostics.push(problem(`template/${kind}`, SUMMARIES[kind], detail, rest));
}

function syntaxProblem(file: TemplateFile, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error);
  const summary = SUMMARIES.syntax;
  const [, name, closing, line, column] = /^(\S+) doesn't match (\S+) - (\d+):(\d+)/.exec(message) ?? [];
  if (line !== undefined) {
    const at: Place = { file: file.file, line: Number(line), column: Number(column) + 1 };
    return problem('template/syntax', summary, `The block "${name}" is closed by "${closing}".`, { at });
  }
  const open = message.includes("got 'EOF'") ? unclosedBlock(file) : undefined;
  if (open !== undefined) return problem('template/syntax', summary, 'This block is not closed.', { at: open });
  const parsed = /^Parse error on line (\d+)/.exec(message);
  const number = Number(parsed?.[1] ?? 1);
  const text = file.text.split('\n', number)[number - 1] ?? '';
  const start = Math.max(text.indexOf('{{'), 0);
  const at: Place = { file: file.file, line: number, column: start + 1, length: text.length - start };
  const expected = /Expecting (.*), got '(.*)'/.exec(message);
  const detail =
    expected === null
      ? 'This cannot be read as a template.'
      : `This cannot be read as a template: unexpected ${tokenName(expected[2])}.`;
  return problem('template/syntax', summary, detail, {
    at,
    hint: 'Look for a missing brace, quote or space. Braces that shall be printed are written \\{{.',
  });
}

const TOKENS: Readonly<Record<string, string>> = {
  EOF: 'end of the file',
  INVALID: 'character',
  CLOSE: 'end of a tag',
  OPEN_ENDBLOCK: 'end of a block',
  ID: 'name',
  INVERSE: 'else',
  OPEN_INVERSE_CHAIN: 'else',
};

function tokenName(token: string | undefined): string {
  return TOKENS[token ?? ''] ?? 'text';
}

/** The last block that is open at the end of the file. */
function unclosedBlock(file: TemplateFile): Place | undefined {
  const open: { line: number; column: number; length: number }[] = [];
  for (const [index, line] of file.text.split('\n').entries()) {
    for (const tag of line.matchAll(/(?<!\\)\{\{~?([#/])[^}]*\}\}/g)) {
      if (tag[1] === '/') open.pop();
      else open.push({ line: index + 1, column: tag.index + 1, length: tag[0].length });
    }
  }
  const last = open.at(-1);
  return last === undefined ? undefined : { file: file.file, ...last };
}
