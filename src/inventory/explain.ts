import { closest, didYouMean, quotedList } from '../lib/closest.ts';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { Farm, Host, Setting } from '../model/farm.ts';

/** Who said what on one variable of a host. */
export interface Explanation {
  /** A role, or `ssh` or `become`. */
  readonly role: string;
  readonly variable: string;
  readonly winner: Setting;
  /** From the innermost level to the outermost. */
  readonly losers: readonly Setting[];
}

export interface Explained {
  /** In the order of the host's roles; empty where a diagnostic was made. */
  readonly explanations: readonly Explanation[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Explains `role.variable`, all variables of a role (`ssh` and `become` like roles), or every role's variable of that
 * name. Pure; values may be secrets, which mask themselves.
 */
export function explainVariable(farm: Farm, hostName: string, what: string): Explained {
  const host = farm.hosts.get(hostName);
  if (host === undefined) {
    const detail = `There is no host "${hostName}".${didYouMean(hostName, farm.hosts.keys())}`;
    return { explanations: [], diagnostics: [problem('selection/no-match', 'Unknown host', detail)] };
  }
  const all = [...host.settings].flatMap(([role, settings]) =>
    [...settings].flatMap(([variable, [winner, ...losers]]) =>
      winner === undefined ? [] : [{ role, variable, winner, losers }],
    ),
  );
  const [role = '', variable] = splitName(what, host);
  const explanations = all.filter((one) =>
    variable !== undefined
      ? one.role === role && one.variable === variable
      : host.settings.has(what)
        ? one.role === what
        : one.variable === what,
  );
  if (explanations.length > 0) return { explanations, diagnostics: [] };
  return { explanations: [], diagnostics: [unknownVariable(host, what, role, variable, all)] };
}

function splitName(what: string, host: Host): readonly [string, string?] {
  const dot = what.indexOf('.');
  if (dot === -1 || host.settings.has(what)) return [what];
  return [what.slice(0, dot), what.slice(dot + 1)];
}

function unknownVariable(
  host: Host,
  what: string,
  role: string,
  variable: string | undefined,
  all: readonly Explanation[],
): Diagnostic {
  const summary = 'Nothing to explain';
  const code = 'variables/unknown';
  if (host.settings.has(role)) {
    const known = all.filter((one) => one.role === role).map((one) => one.variable);
    const detail =
      variable === undefined
        ? `On host ${host.name} no level says anything on ${role}.`
        : `On host ${host.name} nothing is said on ${role}.${variable}.${didYouMean(variable, known)}`;
    const hint = known.length === 0 ? {} : { hint: `${role} has ${quotedList(known)}.` };
    return problem(code, summary, detail, hint);
  }
  const names = [...host.settings.keys(), ...all.flatMap((one) => [one.variable, `${one.role}.${one.variable}`])];
  const near = closest(what, names);
  const detail = `Host ${host.name} has no role and no variable "${what}".${near === undefined ? '' : ` Did you mean "${near}"?`}`;
  return problem(code, summary, detail, { hint: `Its roles are ${quotedList(host.roles.map((one) => one.role))}.` });
}
