import type { RoleContext, VariablePath } from 'farmctl';
import type { Service, Variables } from './variables.ts';

/** Where a service, or an argument of it, stands; of one that this host is not told itself, the variable's place. */
export function placeOf(
  { variables }: Pick<RoleContext<Variables>, 'variables'>,
  { name }: Pick<Service, 'name'>,
  ...inside: readonly (string | number)[]
): VariablePath {
  const index = variables.services.findIndex((one) => one.name === name);
  return index === -1 ? 'services' : ['services', index, ...inside];
}
