import { describe, expect, it } from 'vitest';
import { closest, quotedList } from '../../../src/lib/closest.ts';

describe('closest', () => {
  it.each([
    ['adress', 'address'],
    ['wrokers', 'workers'],
    ['WEB', 'web'],
    ['wbe', 'web'],
    ['x', undefined],
    ['database', undefined],
    ['', undefined],
  ])('%s', (word, found) => expect(closest(word, ['address', 'workers', 'web', 'port'])).toBe(found));

  it('takes the nearest, and of equals the one with the same ends, or the first', () => {
    expect(closest('ap3', ['app', 'app3'])).toBe('app3');
    expect(closest('app9', ['app12', 'app1', 'app2'])).toBe('app1');
  });
});

describe('quotedList', () => {
  it('joins and cuts', () => {
    expect(quotedList([])).toBe('');
    expect(quotedList(['a'])).toBe('"a"');
    expect(quotedList(['a', 'b', 'c'])).toBe('"a", "b" and "c"');
    expect(quotedList(['a', 'b', 'c'], 2)).toBe('"a", "b" and 1 more');
  });
});
