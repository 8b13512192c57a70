import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Content, Script, Secret } from '../../../src/index.ts';
import '../../../src/index.ts';
import { probeRecord } from '../../../src/remote/record.ts';
import { type Effect, type Resource, type ResourceType, resourceTypes } from '../../../src/resource/define.ts';
import { readDesired } from '../../../src/resource/desired.ts';

/**
 * A case is what a role wants, the record that the probe printed, and all that follows: what is known, the difference
 * and how it is made, and how the thing is taken away. `FARMCTL_WRITE_CASES=1` writes what follows; read it then.
 */
interface Case {
  /** What the case shows; for one without a difference, why there is none. */
  readonly why: string;
  readonly desired: Readonly<Record<string, unknown>>;
  readonly record: Readonly<Record<string, string>>;
  readonly expected?: unknown;
}

const FOLDER = join(import.meta.dirname, '../../cases');

/** `{$text}`, `{$bytes}` (hexadecimal), `{$secret}`, `{$script}` and `{$resource, …}` stand for instances. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  const one = value as Record<string, unknown>;
  if (typeof one.$text === 'string') return Content.text(one.$text, { sensitive: one.sensitive === true });
  if (typeof one.$bytes === 'string') return Content.bytes(Buffer.from(one.$bytes, 'hex'));
  if (typeof one.$withSecret === 'string') {
    const [before = '', after = ''] = one.$withSecret.split('SECRET');
    return Content.text(`${before}${new Secret('hunter22', 'a case').placeholder}${after}`);
  }
  if (typeof one.$secret === 'string') return new Secret(one.$secret, 'a case');
  if (typeof one.$script === 'string') return new Script(one.$script);
  if (typeof one.$resource === 'string') {
    const { $resource, ...desired } = one;
    return resourceOf($resource, desired);
  }
  return Object.fromEntries(Object.entries(one).map(([key, entry]) => [key, revive(entry)]));
}

function typeOf(name: string): ResourceType {
  const type = resourceTypes.get(name);
  if (type === undefined) throw new Error(`no resource type ${name}`);
  return type;
}

function resourceOf(name: string, given: unknown): Resource {
  const type = typeOf(name);
  const desired = readDesired<unknown>({ type: name, schema: type.schema }, revive(given));
  return { type, desired, id: type.id(desired) };
}

/** As it stands in a case's file: contents masked, scripts as lines. */
function shownEffect({ files, script, input, deadline }: Effect): unknown {
  return {
    ...(files === undefined
      ? {}
      : {
          files: files.map((one) =>
            one.kind === 'file' ? { ...one, content: one.content.masked ?? one.content } : one,
          ),
        }),
    ...(script === undefined ? {} : { script: script.text.split('\n') }),
    ...(input === undefined ? {} : { input: input.masked }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}

function follow({ type, desired, id }: Resource, fields: Case['record']): unknown {
  const bytes = Object.entries(fields).map(([name, value]) => [name, new TextEncoder().encode(value)] as const);
  const observed = type.parse(probeRecord(new Map(bytes)), desired);
  const head = { id, title: type.title?.(desired) ?? id };
  if (observed.state === 'unknown') return { ...head, unknown: observed.reason, whole: type.whole(desired) };
  const value = observed.state === 'known' ? observed.value : undefined;
  const difference = type.diff(desired, value, []);
  const removal = type.remove(desired, value, []);
  return {
    ...head,
    state: observed.state,
    ...(difference === undefined ? {} : { difference, effect: shownEffect(type.apply(desired, value, [])) }),
    removal: removal.kind === 'remove' ? { ...removal, effect: shownEffect(removal.effect) } : removal,
  };
}

for (const type of readdirSync(FOLDER)) {
  describe(type, () => {
    for (const name of readdirSync(join(FOLDER, type))) {
      const path = join(FOLDER, type, name);
      const one = JSON.parse(readFileSync(path, 'utf8')) as Case;
      test(`${name.replace('.json', '')}: ${one.why}`, () => {
        const found = JSON.parse(JSON.stringify(follow(resourceOf(type, one.desired), one.record)));
        if (process.env.FARMCTL_WRITE_CASES === '1') {
          mkdirSync(join(FOLDER, type), { recursive: true });
          writeFileSync(path, `${JSON.stringify({ ...one, expected: found }, null, 2)}\n`);
        }
        expect(JSON.stringify(found)).not.toContain('hunter22');
        expect(found).toEqual(process.env.FARMCTL_WRITE_CASES === '1' ? found : one.expected);
      });
    }
  });
}
