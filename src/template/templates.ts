import { closest } from '../lib/closest.ts';
import { FarmError, problem } from '../model/diagnostic.ts';

/** One template as it was read. */
export interface TemplateFile {
  /** As places name it: relative to the working directory where it lies below it. */
  readonly file: string;
  readonly text: string;
}

/** Every template of a project, read beforehand so that rendering is pure. */
export interface Templates {
  /** By `ROLE/NAME`: `bind9/named.conf.hbs`; partials by `_partials/NAME.hbs`. */
  readonly files: ReadonlyMap<string, TemplateFile>;
  /** Told of each rendering with what it was given. */
  readonly onRender?: (role: string, name: string, data: Readonly<Record<string, unknown>>) => void;
}

/** The folder of what all templates may use as `{{> NAME}}`. */
const PARTIALS = '_partials/';

/** Templates from texts by `ROLE/NAME`: for tests and for whoever has no files. */
export function templatesOf(texts: Readonly<Record<string, string>>): Templates {
  const entries = Object.entries(texts).map(([key, text]) => [key, { file: `templates/${key}`, text }] as const);
  return { files: new Map(entries) };
}

/**
 * The template NAME of a role, else the partial of that name.
 * @throws FarmError `template/not-found`
 */
export function findTemplate(templates: Templates, role: string, name: string): TemplateFile {
  const found = templates.files.get(`${role}/${name}`) ?? templates.files.get(PARTIALS + name);
  if (found !== undefined) return found;
  const own = [...templates.files.keys()].filter((key) => key.startsWith(`${role}/`));
  const near = closest(
    name,
    own.map((key) => key.slice(role.length + 1)),
  );
  const suggestion = near === undefined ? '' : ` Did you mean "${near}"?`;
  const detail = `Role ${role} has no template "${name}".${suggestion}`;
  const hint = `It belongs to templates/${role}/${name}.`;
  throw new FarmError(problem('template/not-found', 'Template not found', detail, { hint }));
}

/** The partial that `{{> NAME}}` means. */
export function findPartial(templates: Templates, name: string): TemplateFile | undefined {
  return templates.files.get(`${PARTIALS}${name}.hbs`);
}

/** The names that `{{> NAME}}` may have. */
export function partialNames(templates: Templates): readonly string[] {
  return [...templates.files.keys()]
    .filter((key) => key.startsWith(PARTIALS) && key.endsWith('.hbs'))
    .map((key) => key.slice(PARTIALS.length, -'.hbs'.length));
}
