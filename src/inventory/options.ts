import { didYouMean, quotedList } from '../lib/closest.ts';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { RoleDeclaration, RoleDeclarations } from '../model/role-declaration.ts';
import { validate } from '../model/validate.ts';
import { valueDiagnostic } from './mistakes.ts';
import { levelVariables } from './schema.ts';
import type { LevelMap } from './settings.ts';
import { resolveTags, TagRequest } from './tags.ts';
import { parseYaml, sourceText } from './yaml.ts';

/** What the `-e` options say, by role. */
export interface OptionVariables {
  readonly levels: ReadonlyMap<string, LevelMap>;
  readonly diagnostics: readonly Diagnostic[];
}

interface Target {
  readonly role: RoleDeclaration;
  readonly variable: string;
  readonly text: string;
}

/** Reads `role.variable=YAML`, in the order of the command line: the last one wins. */
export async function readOptions(
  overrides: readonly string[],
  roles: RoleDeclarations,
  cwdPath: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OptionVariables> {
  const maps = new Map<string, Record<string, unknown>>();
  const diagnostics: Diagnostic[] = [];
  for (const override of overrides) {
    const target = readTarget(override, roles);
    if ('code' in target) {
      diagnostics.push(target);
      continue;
    }
    const { role, variable, text } = target;
    const written: Record<string, unknown> = {};
    const parsed = parseYaml(sourceText(`-e ${override}`, cwdPath, text));
    const { value } = parsed;
    const requests = value instanceof TagRequest ? [value.into(written, variable)] : parsed.requests;
    written[variable] = value ?? null;
    const found = [...parsed.diagnostics, ...(await resolveTags(requests, environment))];
    if (found.length > 0) {
      diagnostics.push(...found.map((one) => aboutOption(one, override)));
      continue;
    }
    const problems = validate(levelVariables(role.variables), written, {
      fillDefaults: false,
      refuseStraySecrets: true,
    });
    const subject = { name: `-e ${role.name}.${variable}`, kind: 'role' as const };
    const said = typeof value === 'string' ? undefined : text;
    for (const one of problems) {
      diagnostics.push(valueDiagnostic({ ...subject, rest: one.path.slice(1) }, one, said, undefined));
    }
    // A wrong value would be reported once more for every role that has it.
    if (problems.length > 0) continue;
    maps.set(role.name, { ...maps.get(role.name), ...written });
  }
  const levels = new Map<string, LevelMap>();
  for (const [role, written] of maps) levels.set(role, { level: 'option', written });
  return { levels, diagnostics };
}

function readTarget(override: string, roles: RoleDeclarations): Target | Diagnostic {
  const hint = 'Write it as -e role.variable=YAML, such as -e apache-app.workers=400.';
  const wrong = (detail: string, rest: { hint?: string } = {}) =>
    problem('variables/option', 'Wrong option -e', detail, rest);
  const [, name, variable, text] = /^([^.=\s]+)\.([^.=\s]+)=([\s\S]*)$/.exec(override) ?? [];
  if (name === undefined || variable === undefined || text === undefined) {
    return wrong(`"-e ${override}" does not name a variable of a role and its value.`, { hint });
  }
  const role = roles.get(name);
  if (role === undefined) {
    const suggestion = didYouMean(name, roles.keys());
    return wrong(`-e ${name}.${variable}: there is no role "${name}".${suggestion}`, suggestion === '' ? { hint } : {});
  }
  const known = Object.keys(role.variables.properties);
  if (!known.includes(variable)) {
    const suggestion = didYouMean(variable, known);
    const list = known.length === 0 ? 'It has none.' : `It has ${quotedList(known)}.`;
    const detail = `-e ${name}.${variable}: role ${name} has no variable "${variable}".${suggestion}`;
    return wrong(detail, suggestion === '' ? { hint: list } : {});
  }
  return { role, variable, text };
}

/** A place inside an option's value cannot be shown as a place in a file: the option is named instead. */
function aboutOption(diagnostic: Diagnostic, override: string): Diagnostic {
  const { at: _at, also: _also, ...rest } = diagnostic;
  return { ...rest, detail: `-e ${override}: ${diagnostic.detail}` };
}
