import type { Place } from '../model/diagnostic.ts';
import { isHelper } from './helpers.ts';
import type { TemplateFile } from './templates.ts';

// Handlebars' own types leave nodes open; these are the ones that its parser makes.
export type Path = hbs.AST.PathExpression;
export type Mustache = hbs.AST.MustacheStatement;
export type Block = hbs.AST.BlockStatement;
export type Partial = hbs.AST.PartialStatement;
export type Call = Mustache | Block | hbs.AST.SubExpression;
export type Node =
  | Path
  | Mustache
  | Block
  | Partial
  | hbs.AST.SubExpression
  | hbs.AST.StringLiteral
  | { readonly type: 'ContentStatement' | 'CommentStatement' | 'Literal'; readonly loc: hbs.AST.SourceLocation };

/** A node by its type: the one place that trusts Handlebars' word for it. */
export function known(node: hbs.AST.Node): Node {
  return node as Node;
}

/** Where the node stands in its template. */
export function nodeAt(file: TemplateFile, node: { readonly loc: hbs.AST.SourceLocation }): Place {
  const { start, end } = node.loc;
  const line = file.text.split('\n', start.line)[start.line - 1] ?? '';
  const stop = end.line === start.line ? end.column : line.length;
  return { file: file.file, line: start.line, column: start.column + 1, length: Math.max(stop - start.column, 0) };
}

/** A name without dots, `this`, `../` or `@`: what the name of a helper looks like. */
export function simpleName(node: hbs.AST.Node): string | undefined {
  const path = known(node);
  if (path.type !== 'PathExpression' || path.data || path.depth > 0) return undefined;
  return path.parts.length === 1 && !path.original.startsWith('this') && !path.original.startsWith('./')
    ? path.parts[0]
    : undefined;
}

/** The arguments of a call, those with names included. */
export function argumentsOf(node: Call | Partial): readonly hbs.AST.Expression[] {
  const named = (node.hash as hbs.AST.Hash | undefined)?.pairs ?? [];
  return [...node.params, ...named.map((pair) => pair.value)];
}

/** The programs of a block: its body and its `else`. */
export function programsOf(block: Block): readonly hbs.AST.Program[] {
  const { program, inverse } = block as { program: hbs.AST.Program | undefined; inverse: hbs.AST.Program | undefined };
  return [program, inverse].filter((one) => one !== undefined);
}

/** True for what an `else if` is made of: a program with one block in it. */
export function isChained(program: hbs.AST.Program): boolean {
  return 'chained' in program && program.chained === true;
}

/** All paths that an expression or the head of a statement reads; the bodies of blocks are not looked into, `else if` is. */
export function pathsIn(node: hbs.AST.Node): readonly Path[] {
  const one = known(node);
  switch (one.type) {
    case 'PathExpression':
      return [one];
    case 'MustacheStatement':
    case 'SubExpression': {
      const given = argumentsOf(one);
      const isCall = one.type === 'SubExpression' || given.length > 0 || isHelper(simpleName(one.path));
      return isCall ? given.flatMap(pathsIn) : pathsIn(one.path);
    }
    case 'BlockStatement': {
      const chained = programsOf(one).filter(isChained);
      return [...argumentsOf(one).flatMap(pathsIn), ...chained.flatMap(({ body }) => body.flatMap(pathsIn))];
    }
    case 'PartialStatement':
      return argumentsOf(one).flatMap(pathsIn);
    default:
      return [];
  }
}
