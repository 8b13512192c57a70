/** A place in a file that the user wrote: one-based line and column, `length` characters wide (0 where unknown). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly length?: number;
}

/** How bad it is: an error stops the command, a warning does not, a note explains. */
export type Severity = 'error' | 'warning' | 'note';

/**
 * What is wrong, where, and what to do about it. The only form in which farmctl speaks of a user's mistake or of a
 * host's failure. `summary` is a fixed phrase without the user's names; `detail` and `hint` are full sentences.
 */
export interface Diagnostic {
  /** Stable, `area/kind`: `inventory/unknown-key`. Listed in docs/diagnostics.md. */
  readonly code: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly detail: string;
  /** One next step. */
  readonly hint?: string;
  readonly at?: Place;
  /** Further places that belong to it, such as the first of two duplicates. */
  readonly also?: ReadonlyArray<{ readonly label: string; readonly at: Place }>;
  readonly host?: string;
  /** `type id` of the resource concerned. */
  readonly resource?: string;
  /** The end of what the failing command printed, already bounded. */
  readonly output?: string;
  /** A host key that nobody knows: several are told in one block. */
  readonly hostKey?: ShownHostKey;
}

/** A key that a host shows, in words. */
export interface ShownHostKey {
  /** `app1 (10.77.0.21:22, user operator): ssh-ed25519 SHA256:…`. */
  readonly shown: string;
  /** `ssh-ed25519 AAAA…`, as the inventory pins it. */
  readonly pin: string;
}

/** Builds an error diagnostic; `rest` carries the optional fields. */
export function problem(
  code: string,
  summary: string,
  detail: string,
  rest: Omit<Diagnostic, 'code' | 'severity' | 'summary' | 'detail'> & { severity?: Severity } = {},
): Diagnostic {
  const { severity = 'error', ...others } = rest;
  return { code, severity, summary, detail, ...others };
}

/** The one exception class of farmctl: carries diagnostics to the command that prints them. */
export class FarmError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], options?: { cause?: unknown }) {
    const all = Array.isArray(diagnostics) ? (diagnostics as readonly Diagnostic[]) : [diagnostics as Diagnostic];
    super(all.map((one) => `${one.code}: ${one.detail}`).join('\n'), options);
    this.name = 'FarmError';
    this.diagnostics = all;
  }
}

/** True when at least one of them stops the command. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((one) => one.severity === 'error');
}
