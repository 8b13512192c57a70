import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuery } from '../../../src/checks/dns-message.ts';
import recorded from './bind9-answers.json' with { type: 'json' };

function answerTo(name: string, type: string) {
  const found = recorded.answers.find((one) => one.name === name && one.type === type);
  if (found === undefined) throw new Error(`nothing was recorded for ${name} ${type}`);
  return decodeAnswer(Buffer.from(found.answer, 'base64'));
}

const values = (name: string, type: string) => answerTo(name, type).records.map((one) => one.value);

describe('the answers of a real BIND', () => {
  it('are read as dig prints them', () => {
    expect(values('app1.farm.example', 'A').toSorted()).toEqual(['10.77.0.21', '10.77.0.22']);
    expect(values('www.farm.example', 'A')).toContain('app1.farm.example');
    expect(values('farm.example', 'SOA')).toEqual([
      'ns1.farm.example hostmaster.farm.example 2026010142 3600 900 604800 300',
    ]);
    expect(values('farm.example', 'NS').toSorted()).toEqual(['ns1.farm.example', 'ns2.farm.example']);
    expect(values('farm.example', 'MX')).toEqual(['10 mail.farm.example']);
    expect(values('farm.example', 'TXT')).toEqual(['v=spf1 -all second; part']);
    expect(values('21.0.77.10.in-addr.arpa', 'PTR')).toEqual(['app1.farm.example']);
    expect(values('www.farm.example', 'CNAME')).toEqual(['app1.farm.example']);
  });

  it('carry the response code and the id of the question', () => {
    expect(answerTo('none.farm.example', 'A')).toMatchObject({ id: 4242, responseCode: 3, records: [] });
    expect(answerTo('elsewhere.example', 'A')).toMatchObject({ responseCode: 5 });
  });
});

describe('decodeAnswer', () => {
  it('ends with a value or a RangeError on any bytes', () => {
    const real = fc.constantFrom(...recorded.answers.map((one) => Buffer.from(one.answer, 'base64')));
    const damaged = fc.tuple(real, fc.nat(), fc.nat(255), fc.nat()).map(([bytes, at, byte, cut]) => {
      const copy = Buffer.from(bytes);
      copy[at % copy.length] = byte;
      return copy.subarray(0, copy.length - (cut % 20));
    });
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, random), (bytes) => {
        try {
          decodeAnswer(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a name that points at itself', () => {
    const header = Buffer.from([0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(() => decodeAnswer(Buffer.concat([header, Buffer.from([0xc0, 12])]))).toThrow('points nowhere');
  });
});

describe('encodeQuery', () => {
  it('refuses what is not a domain name', () => {
    expect(() => encodeQuery(1, 'a..b', 'A')).toThrow('not a domain name');
    expect(() => encodeQuery(1, 'x'.repeat(64), 'A')).toThrow('not a domain name');
    expect(() => encodeQuery(1, 'abc.'.repeat(70), 'A')).toThrow('too long');
  });
});
