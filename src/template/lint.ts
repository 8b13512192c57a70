import { didYouMean } from '../lib/closest.ts';
import { type Diagnostic, type Place, problem } from '../model/diagnostic.ts';
import { parseTemplate } from './check-syntax.ts';
import { argumentsOf, known, nodeAt, type Path, pathsIn, programsOf } from './syntax.ts';
import { findPartial, findTemplate, type TemplateFile, type Templates } from './templates.ts';

/** A name that a template uses. */
export interface UsedName {
  /** As it is written: `sites`, `this.name`, `../port`. */
  readonly name: string;
  readonly at: Place;
}

/**
 * All names that a template and its partials use, with their places.
 * @throws FarmError if the template cannot be parsed or is not there
 */
export function usedNames(templates: Templates, role: string, name: string): readonly UsedName[] {
  const names: UsedName[] = [];
  const visit: Visit = {
    templates,
    seen: new Set(),
    onPath: (path, file) => names.push({ name: path.original, at: nodeAt(file, path) }),
  };
  visitFile(visit, findTemplate(templates, role, name), []);
  return names;
}

/**
 * Compares all names of a template with the data that a role gives it, those in branches that this data does not take
 * too. A name in a list is right if one entry has it; below an empty list or null nothing is known.
 * @throws FarmError if the template cannot be parsed or is not there
 */
export function lintTemplate(
  templates: Templates,
  role: string,
  name: string,
  data: Readonly<Record<string, unknown>>,
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const visit: Visit = {
    templates,
    seen: new Set(),
    onPath(path, file, scopes) {
      const { missing, known: keys } = followPath(path, scopes);
      if (missing === undefined) return;
      const detail = `There is no "${path.original}" in what the role gives to the template.${didYouMean(missing, keys)}`;
      diagnostics.push(
        problem('template/undefined-variable', 'Undefined variable', detail, { at: nodeAt(file, path) }),
      );
    },
  };
  visitFile(visit, findTemplate(templates, role, name), [[data]]);
  return diagnostics;
}

/** Templates that look at all their names whenever they are rendered. */
export interface LintedTemplates {
  readonly templates: Templates;
  /** Names that no rendering so far had, as warnings: a branch that was never taken would stumble over them. */
  diagnostics(): readonly Diagnostic[];
}

/** Makes templates that lint themselves on the way: for `farmctl validate`, which renders the whole farm. */
export function lintOnRender(templates: Templates): LintedTemplates {
  const renderings = new Map<string, number>();
  const misses = new Map<string, { diagnostic: Diagnostic; template: string; count: number }>();
  const onRender: Templates['onRender'] = (role, name, data) => {
    const template = `${role}/${name}`;
    renderings.set(template, (renderings.get(template) ?? 0) + 1);
    for (const diagnostic of lintTemplate(templates, role, name, data)) {
      const key = JSON.stringify([template, diagnostic.at]);
      const miss = misses.get(key) ?? { diagnostic, template, count: 0 };
      miss.count++;
      misses.set(key, miss);
    }
  };
  return {
    templates: { files: templates.files, onRender },
    diagnostics: () =>
      [...misses.values()]
        .filter(({ template, count }) => count === renderings.get(template))
        .map(({ diagnostic }) => ({ ...diagnostic, severity: 'warning' as const })),
  };
}

/** Values that `this` may be; none where nothing is known. The outermost scope comes first. */
type Scopes = readonly (readonly unknown[])[];

interface Visit {
  readonly templates: Templates;
  /** Partials that are being visited, so that one which calls itself comes to an end. */
  readonly seen: Set<TemplateFile>;
  onPath(path: Path, file: TemplateFile, scopes: Scopes): void;
}

function visitFile(visit: Visit, file: TemplateFile, scopes: Scopes): void {
  if (visit.seen.has(file)) return;
  visit.seen.add(file);
  visitProgram(visit, programOf(visit.templates, file), file, scopes);
  visit.seen.delete(file);
}

const programs = new WeakMap<TemplateFile, hbs.AST.Program>();

/** Parsed once: the same templates are linted for every host. */
function programOf(templates: Templates, file: TemplateFile): hbs.AST.Program {
  const present = programs.get(file) ?? parseTemplate(templates, file);
  programs.set(file, present);
  return present;
}

function visitProgram(visit: Visit, program: hbs.AST.Program, file: TemplateFile, scopes: Scopes): void {
  for (const statement of program.body) {
    const node = known(statement);
    if (node.type === 'MustacheStatement') {
      for (const path of pathsIn(node)) visit.onPath(path, file, scopes);
    } else if (node.type === 'BlockStatement') {
      for (const path of argumentsOf(node).flatMap(pathsIn)) visit.onPath(path, file, scopes);
      const [body, ...others] = programsOf(node);
      const inner = body === node.program ? innerScopes(node, scopes) : scopes;
      if (body !== undefined) visitProgram(visit, body, file, hidingParameters(body, inner));
      for (const other of others) visitProgram(visit, other, file, scopes);
    } else if (node.type === 'PartialStatement') {
      for (const path of pathsIn(node)) visit.onPath(path, file, scopes);
      const partial = findPartial(visit.templates, pathsIn(node.name)[0]?.original ?? '');
      // Named values and another context make a scope that is not followed.
      const isPlain = argumentsOf(node).length === 0;
      if (partial !== undefined) visitFile(visit, partial, isPlain ? scopes : []);
    }
  }
}

/** `as |item|` gives names that stand in no data. */
function hidingParameters(program: hbs.AST.Program, scopes: Scopes): Scopes {
  const names = (program.blockParams as readonly string[] | undefined) ?? [];
  if (names.length === 0) return scopes;
  return [
    ...scopes.slice(0, -1),
    (scopes.at(-1) ?? []).map((one) => ({ ...Object(one), ...Object.fromEntries(names.map((name) => [name, null])) })),
  ];
}

function innerScopes(block: hbs.AST.BlockStatement, scopes: Scopes): Scopes {
  const name = block.path.original;
  if (name !== 'each' && name !== 'with') return scopes;
  const [value] = block.params;
  const path = value === undefined ? undefined : known(value);
  const values = path?.type === 'PathExpression' ? followPath(path, scopes).values : [];
  const entries = name === 'with' ? values : values.flatMap((one) => (isObject(one) ? Object.values(one) : []));
  return [...scopes, entries];
}

interface Followed {
  readonly values: readonly unknown[];
  /** The first part of the path that no value has, where at least one could have it. */
  readonly missing?: string;
  readonly known: readonly string[];
}

function followPath(path: Path, scopes: Scopes): Followed {
  const nothing: Followed = { values: [], known: [] };
  const parts = path.data ? path.parts.slice(1) : path.parts;
  if (path.data && path.parts[0] !== 'root') return nothing;
  let values = (path.data ? scopes[0] : scopes[scopes.length - 1 - path.depth]) ?? [];
  for (const part of parts) {
    const holders = values.filter(isObject);
    // Nothing is known below null, false and empty lists.
    if (holders.length === 0) return nothing;
    const having = holders.filter(
      (one) => Object.hasOwn(one, part) || (Array.isArray(one) && /^(length|\d+)$/.test(part)),
    );
    if (having.length === 0) return { values: [], missing: part, known: holders.flatMap((one) => Object.keys(one)) };
    values = having.map((one) => Reflect.get(one, part));
  }
  return { values, known: [] };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
