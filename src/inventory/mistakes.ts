import { didYouMean, quotedList } from '../lib/closest.ts';
import { type Diagnostic, type Place, problem } from '../model/diagnostic.ts';
import type { Problem } from '../model/validate.ts';
import { keyPlace, plainSource, valuePlace } from './origin.ts';
import { entryAt, keyPath, type Subject, subjectOf } from './subject.ts';
import { explainValue } from './wrong-value.ts';

/** The diagnostic for a mistake that the schema found in the document. */
export function schemaDiagnostic(document: object, found: Problem): Diagnostic {
  const subject = subjectOf(document, found.path);
  const { parent, key } = entryAt(document, found.path);
  const at = parent === undefined ? undefined : valuePlace(parent, key);
  if (found.keyword === 'additionalProperties') return unknownKey(subject, found);
  if (found.keyword === 'required') return missingKey(document, subject, found);
  const said = parent === undefined ? undefined : plainSource(parent, key);
  return valueDiagnostic(subject, found, said, at);
}

/** The diagnostic for a wrong value; `said` is how it was written, where it was plain text. */
export function valueDiagnostic(
  subject: Subject,
  found: Problem,
  said: string | undefined,
  at: Place | undefined,
): Diagnostic {
  const { sentence, suggestion = '', hint, kind } = explainValue(found, said);
  const what = subject.rest.length === 0 ? 'it' : `"${keyPath(subject.rest)}"`;
  const detail = `${subject.name}: ${what} ${sentence}.${suggestion}`;
  const code = subject.kind === 'role' ? 'variables/invalid' : `inventory/${kind}`;
  const summary = subject.kind === 'role' ? 'Wrong variable' : kind === 'wrong-type' ? 'Wrong type' : 'Wrong value';
  return problem(code, summary, detail, { ...(at && { at }), ...(hint !== undefined && { hint }) });
}

function unknownKey(subject: Subject, found: Problem): Diagnostic {
  const key = String(found.params['additionalProperty']);
  const properties = found.schema['properties'];
  const known = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  const at = typeof found.value === 'object' && found.value !== null ? keyPlace(found.value, key) : undefined;
  const inside = subject.rest.length === 0 ? subject.name : `${subject.name}: "${keyPath(subject.rest)}"`;
  const noun = subject.kind === 'role' && subject.rest.length === 0 ? 'variable' : 'setting';
  const suggestion = didYouMean(key, known);
  const hint = known.length === 0 ? undefined : `There ${known.length === 1 ? 'is' : 'are'} ${quotedList(known)}.`;
  const rest = { ...(at && { at }), ...(suggestion === '' && hint !== undefined && { hint }) };
  if (key === '<<') {
    const merge = 'YAML 1.2 has no merge keys: what several tiers share stands under "variables" of the farm.';
    return problem('inventory/unknown-key', 'Unknown key', `${inside} has no ${noun} "<<".`, { ...rest, hint: merge });
  }
  const detail = `${inside} has no ${noun} "${key}".${suggestion}`;
  if (subject.kind === 'role') return problem('variables/unknown', 'Unknown variable', detail, rest);
  if (subject.kind === 'roles') {
    return problem('role/unknown', 'Unknown role', `There is no role "${key}".${suggestion}`, rest);
  }
  return problem('inventory/unknown-key', 'Unknown key', detail, rest);
}

function missingKey(document: object, subject: Subject, found: Problem): Diagnostic {
  const key = String(found.params['missingProperty']);
  const { parent, key: own } = entryAt(document, found.path);
  const first = Object.keys(document)[0] ?? '';
  const at = parent === undefined ? keyPlace(document, first) : keyPlace(parent, own);
  const inside = subject.rest.length === 0 ? subject.name : `${subject.name}: "${keyPath(subject.rest)}"`;
  const properties = found.schema['properties'];
  const property: unknown =
    typeof properties === 'object' && properties !== null ? Reflect.get(properties, key) : undefined;
  const description: unknown =
    typeof property === 'object' && property !== null ? Reflect.get(property, 'description') : undefined;
  const hint = typeof description === 'string' ? `${key}: ${description}` : undefined;
  const rest = { ...(at && { at }), ...(hint !== undefined && { hint }) };
  const detail = `${inside} has no "${key}".`;
  if (subject.kind === 'role') return problem('variables/invalid', 'Wrong variable', detail, rest);
  return problem('inventory/missing-key', 'Missing key', detail, rest);
}
