import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { RoleDeclarations } from '../model/role-declaration.ts';
import { keyPlace, valuePlace } from './origin.ts';
import type { InventoryDocument } from './schema.ts';

/** What all steps of building a farm share: the merged document, the roles, and the mistakes found so far. */
export interface Checking {
  /** Its keys are those of the schema; their values are looked at anew, because some may be wrong. */
  readonly document: Readonly<Partial<Record<keyof InventoryDocument, unknown>>>;
  readonly roles: RoleDeclarations;
  readonly diagnostics: Diagnostic[];
}

/** Where in the document a mistake is: at the key of an entry, or at its value. */
export type Where =
  | { readonly key: readonly [object, string | number] }
  | { readonly value: readonly [object, string | number] };

/** Reports a mistake at an entry of the document. */
export function report(
  checking: Checking,
  code: string,
  summary: string,
  detail: string,
  where: Where,
  rest: Pick<Diagnostic, 'hint' | 'also'> & { severity?: 'error' | 'warning' } = {},
): void {
  const at = 'key' in where ? keyPlace(...where.key) : valuePlace(...where.value);
  checking.diagnostics.push(problem(code, summary, detail, { ...(at && { at }), ...rest }));
}

/** `also` for a diagnostic that points at a second entry. */
export function alsoAt(label: string, object: object, key: string | number): Pick<Diagnostic, 'also'> {
  const at = keyPlace(object, key);
  return at === undefined ? {} : { also: [{ label, at }] };
}
