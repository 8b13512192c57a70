import { type Diagnostic, FarmError, type Place, problem } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import type { Farm, Host } from '../model/farm.ts';
import type { Resource } from '../resource/define.ts';
import type { Check } from '../role/check.ts';
import type { RoleContext, VariablePath } from '../role/define.ts';
import type { HostPart, ResolvedFarm } from '../role/view.ts';
import { renderTemplate, type Templates } from '../template/render.ts';

/** What one part wants on one host. */
export interface DesiredPart {
  readonly part: string;
  readonly role: string;
  readonly resources: readonly Resource[];
  readonly checks: readonly Check[];
}

/** What all parts of a host want, and what was wrong in saying so. */
export interface DesiredHost {
  readonly host: string;
  readonly parts: readonly DesiredPart[];
  /** Parts that could not say what they want: what they have on the host is left as it is. */
  readonly failedParts: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** `type id`, as it is shown. */
export function resourceName(resource: Resource): string {
  return `${resource.type.type} ${resource.id}`;
}

/** One key for a resource on a host. */
export function resourceKey(resource: { readonly type: { readonly type: string }; readonly id: string }): string {
  return `${resource.type.type}\n${resource.id}`;
}

/** The resource and all that lie inside it. */
export function withMembers(resource: Resource): readonly Resource[] {
  return [resource, ...(resource.type.members?.(resource.desired) ?? []).flatMap(withMembers)];
}

function contextOf(
  host: Host,
  one: HostPart,
  farm: ResolvedFarm,
  templates: Templates,
  facts: Facts | undefined,
  warnings: Diagnostic[],
): RoleContext<unknown> {
  const placeOf = (where: VariablePath): Place => {
    const [variable, ...inside] = typeof where === 'string' ? [where] : where;
    const setting = host.settings.get(one.role.name)?.get(variable)?.[0];
    const assignment = host.roles.find((each) => each.role === one.role.name);
    return setting?.placeInside?.(inside) ?? setting?.at ?? assignment?.at ?? host.at;
  };
  const rest = (variable: VariablePath, hint: string | undefined) => ({
    host: host.name,
    at: placeOf(variable),
    ...(hint === undefined ? {} : { hint }),
  });
  return {
    host: farm.hostView(host.name),
    variables: host.variables.get(one.role.name) ?? {},
    farm: farm.view,
    facts,
    render: (name, data) => renderTemplate(templates, one.role.name, name, data),
    reject(variable, detail, hint) {
      throw new FarmError(problem('variables/rejected', 'Variable does not fit', detail, rest(variable, hint)));
    },
    warn(variable, detail, hint) {
      // Resources and checks may both say it.
      if (warnings.some((earlier) => earlier.detail === detail)) return;
      warnings.push(
        problem('variables/doubtful', 'Works, but badly', detail, { severity: 'warning', ...rest(variable, hint) }),
      );
    },
  };
}

function asDiagnostics(error: unknown, host: string, part: string): readonly Diagnostic[] {
  if (error instanceof FarmError) return error.diagnostics.map((one) => ({ ...one, host: one.host ?? host }));
  const reason = error instanceof Error ? error : new Error(String(error));
  const frame = /\(?((?:file:\/\/)?\/[^():]*\/role\.[jt]s|(?:file:\/\/)?\/[^():]*\/roles\/[^():]*):(\d+):(\d+)\)?/.exec(
    reason.stack ?? '',
  );
  const at =
    frame === null
      ? undefined
      : { file: (frame[1] ?? '').replace('file://', ''), line: Number(frame[2]), column: Number(frame[3]) };
  return [
    problem('role/failed', 'Role failed', `${part} on ${host}: ${reason.message}`, {
      host,
      ...(at === undefined ? {} : { at }),
      hint: 'A role must return resources for every host that has it; correct it at that line.',
    }),
  ];
}

function clashes(host: string, parts: readonly DesiredPart[]): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const owners = new Map<string, string>();
  const paths = new Map<string, string>();
  for (const { part, resources } of parts) {
    for (const resource of resources.flatMap(withMembers)) {
      const key = resourceKey(resource);
      const owner = owners.get(key);
      if (owner !== undefined)
        found.push(
          problem(
            'resource/duplicate',
            'Resource declared twice',
            `${resourceName(resource)} on ${host} is declared by ${owner} and by ${part}.`,
            {
              host,
              resource: resourceName(resource),
              hint: 'Let one of the two declare it.',
            },
          ),
        );
      owners.set(key, part);
      if (resource.type.members !== undefined) continue;
      for (const path of resource.type.paths?.(resource.desired) ?? []) {
        const other = paths.get(path);
        if (other !== undefined && other !== resourceName(resource))
          found.push(
            problem(
              'resource/clash',
              'Two resources write one path',
              `${other} and ${resourceName(resource)} both write ${path} on ${host}.`,
              {
                host,
                resource: resourceName(resource),
                hint: 'Let one of the two declare it.',
              },
            ),
          );
        paths.set(path, resourceName(resource));
      }
    }
  }
  return found;
}

/** @throws FarmError where a role returns something that no resource constructor made */
function refuseStrays(resources: readonly Resource[], part: string): void {
  if (Array.isArray(resources) && resources.every((one) => typeof one?.type?.type === 'string')) return;
  throw new FarmError(
    problem('role/failed', 'Role failed', `${part} returns something that is not a resource.`, {
      hint: 'Return a list of what file(), packages(), service() and the like give back.',
    }),
  );
}

/** True if the part needs facts of its host before it can say what it wants. */
export function needsFacts(parts: readonly HostPart[]): boolean {
  return parts.some(({ role, part }) => role.parts.get(part)?.facts === true);
}

/**
 * What the parts of a host want. Pure. Mistakes of roles, templates and variables come back as diagnostics; a part
 * that failed is left out.
 */
export function desiredOf(
  farm: Farm,
  resolved: ResolvedFarm,
  hostName: string,
  templates: Templates,
  facts: Facts | undefined,
  includes: (part: string) => boolean = () => true,
): DesiredHost {
  const host = farm.hosts.get(hostName);
  if (host === undefined || host.retired) return { host: hostName, parts: [], failedParts: [], diagnostics: [] };
  const parts: DesiredPart[] = [];
  const failedParts: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const one of resolved.partsOf(hostName)) {
    if (!includes(one.part)) continue;
    if (!one.role.systems.includes(host.os)) {
      failedParts.push(one.part);
      const assignment = host.roles.find((each) => each.role === one.role.name);
      diagnostics.push(
        problem(
          'role/unsupported-system',
          'System not supported',
          `${one.role.name} does not support ${host.os}, the system of ${hostName}.`,
          {
            host: hostName,
            at: assignment?.at ?? host.at,
            hint: `It supports ${one.role.systems.join(', ')}.`,
          },
        ),
      );
      continue;
    }
    const context = contextOf(host, one, resolved, templates, facts, diagnostics);
    const part = one.role.parts.get(one.part);
    try {
      const resources = part?.resources(context) ?? [];
      refuseStrays(resources, one.part);
      parts.push({ part: one.part, role: one.role.name, resources, checks: part?.checks?.(context) ?? [] });
    } catch (error) {
      failedParts.push(one.part);
      diagnostics.push(...asDiagnostics(error, hostName, one.part));
    }
  }
  return { host: hostName, parts, failedParts, diagnostics: [...diagnostics, ...clashes(hostName, parts)] };
}
