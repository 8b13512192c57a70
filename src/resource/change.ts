import type { Content } from '../model/content.ts';

/** What a change may do to those who use the host, from harmless to grave. `data`: something may be lost for good. */
export const RISKS = ['none', 'reload', 'restart', 'outage', 'data'] as const;
export type Risk = (typeof RISKS)[number];

/** The graver of the two. */
export function graver(a: Risk, b: Risk): Risk {
  return RISKS.indexOf(a) >= RISKS.indexOf(b) ? a : b;
}

export type Action = 'create' | 'update' | 'delete';

/** One property that differs. Values are shown as they are; whoever builds the field masks what is sensitive. */
export interface Field {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** The text of a file before and after, for a unified diff. `before` is undefined where it is not shown or not known. */
export interface TextChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** True: the old text was not fetched and secret lines of the new one are left out. */
  readonly sensitive: boolean;
}

/** A difference between desired and observed, ready to be shown. */
export interface Difference {
  readonly action: Action;
  readonly fields: readonly Field[];
  readonly texts: readonly TextChange[];
  readonly risk: Risk;
  /** Sentences for the reader: "is restarted, because Listen changed". */
  readonly notes: readonly string[];
}

/** Builds a difference; `undefined` if nothing differs. */
export function difference(
  action: Action,
  fields: readonly Field[],
  rest: { texts?: readonly TextChange[]; risk?: Risk; notes?: readonly string[] } = {},
): Difference | undefined {
  const real = fields.filter((field) => field.from !== field.to);
  const { texts = [], risk = 'none', notes = [] } = rest;
  if (real.length === 0 && texts.length === 0) return undefined;
  return { action, fields: real, texts, risk, notes };
}

/**
 * What is to be made of one path. The engine does it atomically: written beside the target with its mode from the
 * start, fsynced, renamed over it; a file that was there before farmctl is kept aside once.
 */
export type FileOperation =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly content: Content;
      /** Octal, `0644`. */
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  /** A directory that is made where it is missing, and has this mode and these owners. Comes before what lies in it. */
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
    }
  | { readonly kind: 'absent'; readonly path: string }
  /** Takes ours away: what was there before farmctl comes back, else nothing is left. */
  | { readonly kind: 'restore'; readonly path: string }
  /** For a removal, outside transactions: all that was set aside from directly inside this directory comes back. */
  | { readonly kind: 'restoreKept'; readonly path: string };
