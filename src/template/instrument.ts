import { isHelper } from './helpers.ts';
import { argumentsOf, isChained, known, type Mustache, programsOf, simpleName } from './syntax.ts';
import type { TemplateFile } from './templates.ts';

/** The helper that says which statement comes next. No template can write this name. */
export const STEP = 'farmctl step';
/** The helper through which everything goes that is printed. */
export const PRINT = 'farmctl print';

/** A statement of a template, for the place of what goes wrong in it. */
export interface Step {
  readonly file: TemplateFile;
  readonly node: hbs.AST.Node;
}

/**
 * Handlebars knows the place of a mistake only sometimes, and prints objects and empty values as they come. So before
 * each statement a step is written, and each value to be printed goes through a check. Changes the program in place,
 * after Handlebars has removed the white space around blocks that stand alone.
 */
export function instrument(program: hbs.AST.Program, file: TemplateFile, steps: Step[]): hbs.AST.Program {
  if (isChained(program)) {
    // The block of an `else if` must stay alone: Handlebars looks at it once more when it compiles.
    for (const block of program.body.map(known)) {
      if (block.type === 'BlockStatement') for (const inner of programsOf(block)) instrument(inner, file, steps);
    }
    return program;
  }
  program.body = program.body.flatMap((statement) => {
    const node = known(statement);
    if (node.type === 'ContentStatement' || node.type === 'CommentStatement') return [statement];
    const index = steps.push({ file, node: copyOf(statement) }) - 1;
    if (node.type === 'BlockStatement') for (const inner of programsOf(node)) instrument(inner, file, steps);
    const step = call(STEP, [{ type: 'NumberLiteral', value: index, original: index, loc: node.loc }], node.loc);
    return [step, node.type === 'MustacheStatement' ? call(PRINT, [printed(node)], node.loc) : statement];
  });
  return program;
}

/** A block's head is looked at later for the place of a name: its bodies are not needed. */
function copyOf(node: hbs.AST.Node): hbs.AST.Node {
  return { ...node };
}

/** What a mustache prints, as an expression. */
function printed(node: Mustache): hbs.AST.Expression {
  const isCall = argumentsOf(node).length > 0 || isHelper(simpleName(node.path));
  if (!isCall) return node.path;
  const { path, params, hash, loc } = node;
  const expression = { type: 'SubExpression', path, params, hash, loc };
  return expression;
}

type NewLiteral = hbs.AST.Expression & { value: number; original: number };

function call(
  name: string,
  params: readonly (hbs.AST.Expression | NewLiteral)[],
  loc: hbs.AST.SourceLocation,
): hbs.AST.Statement {
  const path = { type: 'PathExpression', data: false, depth: 0, parts: [name], original: name, loc };
  const strip = { open: false, close: false };
  const statement = {
    type: 'MustacheStatement',
    path,
    params: [...params],
    hash: undefined,
    escaped: false,
    strip,
    loc,
  };
  return statement;
}
