import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FarmError, problem } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import { t } from '../model/schema.ts';
import { validate } from '../model/validate.ts';

/** Of what `farmctl facts --json` prints and `--facts` reads. */
export const FACTS_FORMAT_VERSION = 1;

const factsSchema = t.object(
  {
    kind: t.literal('facts'),
    formatVersion: t.literal(FACTS_FORMAT_VERSION),
    hosts: t.record(
      t.string(),
      t.object({
        os: t.string(),
        kernel: t.string(),
        cpus: t.integer(),
        memoryMiB: t.integer(),
        nodename: t.string(),
        addresses: t.record(t.string(), t.array(t.string())),
        rebootWanted: t.boolean(),
      }),
    ),
  },
  { additionalProperties: true },
);

/**
 * Reads facts of hosts, as `farmctl facts --json` printed them.
 * @throws FarmError for a file that cannot be read or is something else
 */
export function readFactsFile(path: string, directory: string): ReadonlyMap<string, Facts> {
  const refuse = (detail: string) =>
    new FarmError(
      problem('cli/facts-file', 'Not a file with facts', detail, {
        hint: 'Make one with `farmctl facts --json > facts.json`.',
      }),
    );
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(resolve(directory, path), 'utf8'));
  } catch (error) {
    throw refuse(`${path}: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const [wrong] = validate(factsSchema, value);
  if (wrong !== undefined) throw refuse(`${path}: ${wrong.path.join('.') || 'the file'} ${wrong.message}.`);
  // Just validated against the schema of exactly this shape.
  const { hosts } = value as { hosts: Record<string, Facts> };
  return new Map(Object.entries(hosts));
}
