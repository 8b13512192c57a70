import Handlebars from 'handlebars';
import { Content } from '../model/content.ts';
import { type Diagnostic, FarmError, type Place, problem } from '../model/diagnostic.ts';
import { parseTemplate } from './check-syntax.ts';
import { HelperRefusal, helpers, printableText } from './helpers.ts';
import { instrument, PRINT, STEP, type Step } from './instrument.ts';
import { known, nodeAt, pathsIn, programsOf } from './syntax.ts';
import { findPartial, findTemplate, type TemplateFile, type Templates } from './templates.ts';
import { strictView, ViewRefusal } from './view.ts';

export type { Templates } from './templates.ts';

/**
 * Renders `templates/ROLE/NAME` with the data. Pure. Every name that the template uses must be in the data, and what it
 * prints must be text, a number, true or false; a secret stands in the content as its placeholder.
 * @throws FarmError with the template's line: `template/undefined-variable`, `template/unprintable`, `template/syntax`,
 * `template/unknown-helper`, `template/not-found`
 */
export function renderTemplate(
  templates: Templates,
  role: string,
  name: string,
  data: Readonly<Record<string, unknown>>,
): Content {
  const file = findTemplate(templates, role, name);
  const renderer = rendererOf(templates);
  const template = renderer.compile(file);
  renderer.step = undefined;
  try {
    const content = Content.text(template(strictView(data)));
    templates.onRender?.(role, name, data);
    return content;
  } catch (error) {
    if (error instanceof FarmError) throw error;
    throw new FarmError(renderProblem(renderer.step, file, error), { cause: error });
  }
}

interface Renderer {
  compile(file: TemplateFile): Handlebars.TemplateDelegate;
  /** The statement that is being rendered: rendering is synchronous. */
  step: Step | undefined;
}

const renderers = new WeakMap<Templates, Renderer>();

/** One Handlebars environment for a set of templates; each is compiled once. */
function rendererOf(templates: Templates): Renderer {
  const present = renderers.get(templates);
  if (present !== undefined) return present;
  const environment = Handlebars.create();
  const compiled = new Map<TemplateFile, Handlebars.TemplateDelegate>();
  const steps: Step[] = [];
  const renderer: Renderer = {
    step: undefined,
    compile(file) {
      let template = compiled.get(file);
      if (template === undefined) {
        const program = instrument(parseTemplate(templates, file), file, steps);
        template = environment.compile(program, COMPILE_OPTIONS);
        compiled.set(file, template);
        for (const name of partialsIn(program)) registerPartial(name);
      }
      return template;
    },
  };
  function registerPartial(name: string): void {
    const file = findPartial(templates, name);
    if (file === undefined || compiled.has(file)) return;
    const template = renderer.compile(file);
    // Named values of a call are merged with the context into a plain object: it gets its strict view here.
    environment.registerPartial(name, (context: unknown, options?: Handlebars.RuntimeOptions) =>
      template(typeof context === 'object' && context !== null ? strictView(context) : context, options),
    );
  }
  registerHelpers(environment, steps, renderer);
  renderers.set(templates, renderer);
  return renderer;
}

const COMPILE_OPTIONS: CompileOptions = {
  noEscape: true,
  strict: true,
  knownHelpersOnly: true,
  knownHelpers: Object.fromEntries([...Object.keys(helpers), STEP, PRINT, 'raw', 'lookup'].map((name) => [name, true])),
};

type Options = Handlebars.HelperOptions;

function registerHelpers(environment: typeof Handlebars, steps: readonly Step[], renderer: Renderer): void {
  for (const [name, helper] of Object.entries(helpers)) {
    environment.registerHelper(name, (...given: unknown[]) => {
      try {
        return helper.run(...given.slice(0, -1));
      } catch (error) {
        if (!(error instanceof HelperRefusal)) throw error;
        throw new HelperRefusal(`The helper "${name}" ${error.message}.`);
      }
    });
  }
  environment.registerHelper(STEP, (index: number) => {
    renderer.step = steps[index];
    return '';
  });
  environment.registerHelper(PRINT, (value: unknown) => {
    try {
      return printableText(value);
    } catch (error) {
      if (!(error instanceof HelperRefusal)) throw error;
      throw new HelperRefusal(`What is to be printed here is ${error.message.replace('was given ', '')}.`);
    }
  });
  environment.registerHelper('raw', function raw(this: unknown, options: Options) {
    return options.fn(this);
  });
  const { each } = environment.helpers as { each: Handlebars.HelperDelegate };
  environment.registerHelper('each', function strictEach(this: unknown, value: unknown, options: Options) {
    // Handlebars takes a text or a number for an empty list.
    if (value !== null && value !== false && typeof value !== 'object') {
      throw new HelperRefusal(
        `"each" needs a list or a map, not ${typeof value === 'string' ? 'a text' : 'this value'}.`,
      );
    }
    return each.call(this, value, options);
  });
  for (const name of ['log', 'helperMissing', 'blockHelperMissing']) environment.unregisterHelper(name);
}

function renderProblem(step: Step | undefined, file: TemplateFile, error: unknown): Diagnostic {
  const where = step?.file ?? file;
  const at: Place = step === undefined ? { file: file.file, line: 1, column: 1 } : nodeAt(where, step.node);
  if (error instanceof ViewRefusal) {
    const path = step === undefined ? undefined : pathsIn(step.node).find((one) => one.parts.includes(error.key));
    const place = path === undefined ? at : nodeAt(where, path);
    return error.kind === 'undefined'
      ? problem('template/undefined-variable', 'Undefined variable', error.message, { at: place })
      : problem('template/unprintable', 'Value cannot be printed', error.message, { at: place });
  }
  if (error instanceof HelperRefusal) {
    const hint =
      'Print single values; use {{#if}} or {{default}} where one may be empty, {{#each}} or {{join}} for lists.';
    return problem('template/unprintable', 'Value cannot be printed', error.message, { at, hint });
  }
  const empty = /^Cannot read properties of (?:null|undefined) \(reading '(.*)'\)$/.exec(
    error instanceof TypeError ? error.message : '',
  );
  if (empty !== null) {
    const detail = `"${empty[1]}" is asked of a value that is empty.`;
    return problem('template/undefined-variable', 'Undefined variable', detail, { at, hint: 'Put {{#if}} around it.' });
  }
  if (error instanceof RangeError) {
    return problem('template/syntax', 'Template syntax error', 'The partials call each other without an end.', { at });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return problem('template/failed', 'Template failed', `Rendering stopped: ${reason}.`, { at });
}

function partialsIn(program: hbs.AST.Program): readonly string[] {
  return program.body.flatMap((statement) => {
    const node = known(statement);
    if (node.type === 'BlockStatement') return programsOf(node).flatMap(partialsIn);
    return node.type === 'PartialStatement' ? pathsIn(node.name).map((path) => path.original) : [];
  });
}
