import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinScripts, sh } from '../../../src/remote/sh.ts';

function run(text: string): Buffer {
  return execFileSync('/bin/sh', ['-c', text]);
}

describe('sh', () => {
  it('brings any text through a real shell unchanged', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '!', '-', '*', 'é') }),
    );
    fc.assert(
      fc.property(
        fc.array(
          hostile.filter((one) => !one.includes('\0')),
          { minLength: 1, maxLength: 8 },
        ),
        (words) => {
          const printed = run(sh`printf '%s\000' ${words}`.text).toString('utf8').split('\0').slice(0, -1);
          expect(printed).toEqual(words.map((one) => Buffer.from(one).toString('utf8')));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes a script as it is and numbers as they are', () => {
    expect(joinScripts([sh`echo ${1}`, sh`echo ${sh`a b`} ${'a b'}`]).text).toBe("echo 1\necho a b 'a b'");
  });

  it('refuses a NUL byte and a hole inside quotes', () => {
    expect(() => sh`echo ${'a\0b'}`).toThrow('NUL');
    expect(() => sh`echo "${'x'}"`).toThrow('inside quotes');
  });
});
