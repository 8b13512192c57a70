import type { TObject } from './schema.ts';

/** What the inventory must know of a role to check it: the `Role` that `defineRole` makes is one. */
export interface RoleDeclaration {
  readonly name: string;
  readonly variables: TObject;
  /** By full name: `bind9/primary`, or the role's own name where it has no sides. */
  readonly parts: ReadonlyMap<string, unknown>;
}

/** All roles of a project by name. */
export type RoleDeclarations = ReadonlyMap<string, RoleDeclaration>;
