import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandHostNames, hostNameMistake } from '../../../src/inventory/names.ts';

describe('expandHostNames', () => {
  it.each([
    ['app1', ['app1']],
    ['app[9:11]', ['app9', 'app10', 'app11']],
    ['app[09:11]', ['app09', 'app10', 'app11']],
    ['app[1:1]-a', ['app1-a']],
    ['r[0:2]', ['r0', 'r1', 'r2']],
    ['r[00:1]', ['r00', 'r01']],
  ])('%s', (key, names) => expect(expandHostNames(key)).toEqual({ names }));

  it('never throws; what it returns are host names', () => {
    const key = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9-]{0,4}\[\d{1,3}:\d{1,3}\][a-z0-9-]{0,4}$/));
    fc.assert(
      fc.property(key, (text) => {
        const expanded = expandHostNames(text);
        if ('names' in expanded) {
          expect(expanded.names.length).toBeGreaterThan(0);
          expect(new Set(expanded.names).size).toBe(expanded.names.length);
          for (const name of expanded.names) expect(hostNameMistake(name)).toBeUndefined();
        } else expect(expanded.reason).not.toBe('');
      }),
    );
  });
});
