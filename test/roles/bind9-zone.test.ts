import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hostNameMistake, reverseName, reverseZone } from '../../roles/bind9/names.ts';
import { checkRecords, readRecords, type WrittenRecord } from '../../roles/bind9/records.ts';
import { following, isNewer, newest } from '../../roles/bind9/serial.ts';
import { zone } from '../../roles/bind9/zone.ts';
import { zoneCopy } from '../../roles/bind9/zone-copy.ts';
import {
  canonical,
  hasSameRecords,
  readable,
  txtData,
  withSerial,
  type Zone,
  zoneText,
} from '../../roles/bind9/zone-text.ts';
import { text } from '../../src/index.ts';
import { resourceKey } from '../../src/plan/desired.ts';
import { assess } from '../../src/plan/step.ts';
import { observe } from '../unit/resource/run-probe.ts';
import { record } from '../unit/resource/service-fixture.ts';

const AUTHORITY = {
  primary: 'ns1.farm.example.',
  hostmaster: 'hostmaster.farm.example.',
  refresh: 3600,
  retry: 600,
  expire: 1_209_600,
  minimum: 60,
};

const ZONE: Zone = {
  name: 'farm.example',
  ttl: 300,
  authority: AUTHORITY,
  records: [
    { owner: 'app10.farm.example.', ttl: 300, type: 'A', data: '10.77.0.30' },
    { owner: 'app2.farm.example.', ttl: 300, type: 'A', data: '10.77.0.22' },
    { owner: 'farm.example.', ttl: 300, type: 'NS', data: 'ns1.farm.example.' },
    { owner: 'ns1.farm.example.', ttl: 300, type: 'A', data: '10.77.0.11' },
    { owner: 'note.farm.example.', ttl: 60, type: 'TXT', data: txtData('a "b" \\ ü;') },
  ],
};

// Recorded from named-compilezone 9.18.49 on Debian 12, for a file with other names, order and serial.
const COMPILED = `farm.example.\t\t\t\t      300 IN SOA\tns1.farm.example. hostmaster.farm.example. 41 3600 600 1209600 60
farm.example.\t\t\t\t      300 IN NS\t\tns1.farm.example.
APP10.farm.example.\t\t\t      300 IN A\t\t10.77.0.30
app2.farm.example.\t\t\t      300 IN A\t\t10.77.0.22
ns1.farm.example.\t\t\t      300 IN A\t\t10.77.0.11
note.farm.example.\t\t\t      60 IN TXT\t"a \\"b\\" \\\\ \\195\\188;"
`;

const content = text(zoneText(ZONE));
const desired = zone({
  name: 'farm.example',
  path: '/etc/bind/zones/farm.example.zone',
  content,
  secondaries: [],
}).desired;
const found = {
  kind: 'regular file',
  mode: '0644',
  owner: 'root',
  group: 'bind',
  isNormal: true,
  serial: 41,
  highest: 41,
  content: undefined,
  records: '',
  servedFrom: '',
};

describe('serial', () => {
  it('goes round', () => {
    expect(isNewer(5, 4)).toBe(true);
    expect(isNewer(4, 5)).toBe(false);
    expect(isNewer(4, 4)).toBe(false);
    expect(isNewer(3, 4_294_967_290)).toBe(true);
    expect(newest([undefined, 4_294_967_290, 7])).toBe(7);
    expect(newest([])).toBeUndefined();
  });

  it('is followed by one that is newer', () => {
    expect(following(undefined)).toBe(1);
    expect(following(41)).toBe(42);
    expect(following(4_294_967_295)).toBe(1);
  });
});

describe('zone text', () => {
  it('is one record a line in a fixed order', () => {
    expect(zoneText(ZONE)).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      farm.example. 300 IN SOA ns1.farm.example. hostmaster.farm.example. 0 3600 600 1209600 60
      farm.example. 300 IN NS ns1.farm.example.
      app2.farm.example. 300 IN A 10.77.0.22
      app10.farm.example. 300 IN A 10.77.0.30
      note.farm.example. 60 IN TXT "a \\"b\\" \\\\ \\195\\188;"
      ns1.farm.example. 300 IN A 10.77.0.11
      "
    `);
  });

  it('equals what named reads, in any order and with any serial', () => {
    const read = canonical(COMPILED);
    expect(read.serial).toBe(41);
    expect(hasSameRecords(canonical(zoneText(ZONE)), read)).toBe(true);
    expect(hasSameRecords(canonical(withSerial(zoneText(ZONE), 7)), read)).toBe(true);
  });

  it.each([
    ['another address', ['10.77.0.22', '10.77.0.23']],
    ['another TTL', ['      60 IN', '      61 IN']],
    ['another refresh time', ['3600', '3601']],
    ['another text in small letters', ['"a', '"A']],
    ['one record less', ['ns1.farm.example.\t\t\t      300 IN A\t\t10.77.0.11\n', '']],
  ])('differs by %s', (_, [from = '', to = '']) => {
    expect(COMPILED).toContain(from);
    expect(hasSameRecords(canonical(zoneText(ZONE)), canonical(COMPILED.replace(from, to)))).toBe(false);
  });

  it('cuts a long text into strings of 255 bytes', () => {
    const strings = txtData('x'.repeat(300)).split(' ');
    expect(strings.map((one) => one.length - 2)).toEqual([255, 45]);
  });
});

describe('diff of a zone', () => {
  const diff = (state: Partial<typeof found> | Record<string, unknown>) =>
    zone.type.diff(desired, { ...found, ...state } as typeof found, []);
  const serialAfter = (state: Record<string, unknown>): string | undefined => {
    const { files = [] } = zone.type.apply(desired, { ...found, ...state } as typeof found, []);
    const [one] = files;
    return one?.kind === 'file' ? / hostmaster\S* (\d+) /.exec(one.content.template ?? '')?.[1] : undefined;
  };

  it('is none where the file is ours', () => expect(diff({})).toBeUndefined());

  it('is none where only the form differs', () => {
    expect(diff({ isNormal: false, records: COMPILED, content: 'whatever' })).toBeUndefined();
  });

  it('goes on from the newest serial that is seen anywhere', () => {
    const other = { isNormal: false, records: COMPILED.replace('10.77.0.22', '10.77.0.99'), highest: 50 };
    expect(diff(other)?.fields).toEqual([{ name: 'serial', from: '50', to: '51' }]);
    expect(serialAfter(other)).toBe('51');
  });

  it('raises the serial of a file that is older than a secondary', () => {
    expect(diff({ highest: 50 })?.fields).toEqual([{ name: 'serial', from: '50', to: '51' }]);
    expect(diff({ highest: 50 })?.notes).toHaveLength(1);
  });

  it('replaces a file that named cannot read', () => {
    const broken = { isNormal: false, records: '', content: 'rubbish', serial: undefined, highest: 41 };
    expect(diff(broken)?.fields).toEqual([{ name: 'serial', from: '41', to: '42' }]);
    expect(diff(broken)?.texts[0]).toMatchObject({ before: 'rubbish' });
  });

  it('keeps the serial where only the mode differs', () => {
    expect(diff({ mode: '0666' })).toMatchObject({ fields: [{ name: 'mode', from: '0666', to: '0644' }], texts: [] });
    expect(serialAfter({ mode: '0666' })).toBe('41');
  });

  it('begins with 1, or after what a secondary still has', () => {
    const gone = { kind: '', mode: '', owner: '', group: '', isNormal: false, serial: undefined };
    expect(diff({ ...gone, highest: undefined })).toMatchObject({ action: 'create' });
    expect(serialAfter({ ...gone, highest: undefined })).toBe('1');
    expect(serialAfter({ ...gone, highest: 41 })).toBe('42');
  });

  it('of a file in another form is one of records', () => {
    const other = { isNormal: false, records: COMPILED.replace('10.77.0.22', '10.77.0.99'), content: '; whatever' };
    expect(diff(other)?.texts[0]?.before).toBe(readable(other.records, 'farm.example'));
    expect(readable(COMPILED, 'farm.example')).toBe(withSerial(zoneText(ZONE), 41).split('\n').slice(1).join('\n'));
  });

  it('compares with the zone that is served from another file, and goes on from its serial', () => {
    const gone = { kind: '', mode: '', owner: '', group: '', isNormal: false, servedFrom: '/etc/bind/db.farm' };
    const other = { ...gone, records: COMPILED.replace('10.77.0.22', '10.77.0.99'), serial: 41, highest: 41 };
    expect(diff(other)?.texts[0]?.before).toContain('10.77.0.99');
    expect(diff(other)?.notes).toEqual(['The zone is served from /etc/bind/db.farm now; that file stays as it is.']);
    expect(serialAfter(other)).toBe('42');
    // With the same records nobody needs to transfer it.
    expect(diff({ ...other, records: COMPILED })).toMatchObject({ action: 'create', texts: [] });
    expect(serialAfter({ ...other, records: COMPILED })).toBe('41');
    expect(serialAfter({ ...other, records: COMPILED, highest: 50 })).toBe('51');
  });

  it('is none after its own change', () => {
    const { files = [] } = zone.type.apply(desired, { ...found, mode: '0600', highest: 60 }, []);
    expect(files).toMatchObject([{ kind: 'file', mode: '0644', owner: 'root', group: 'bind' }]);
    expect(diff({ serial: 61, highest: 61 })).toBeUndefined();
  });
});

describe('probe of a zone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zone-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (name: string, held: string) => {
    const path = join(folder, name);
    writeFileSync(path, held);
    return zone({ name: 'farm.example', path, content, secondaries: [] });
  };

  it('knows the own file by its text, whatever its serial', () => {
    const [state] = observe([at('own', withSerial(zoneText(ZONE), 4_000_000_001))]);
    expect(state).toMatchObject({
      state: 'known',
      value: { isNormal: true, serial: 4_000_000_001, highest: 4_000_000_001 },
    });
  });

  it.each([
    ['serial with a zero in front', (own: string) => own.replace(' 0 3600', ' 0041 3600')],
    ['other record', (own: string) => own.replace('10.77.0.22', '10.77.0.23')],
    ['line more', (own: string) => `${own}x.farm.example. 300 IN A 10.0.0.1\n`],
    ['SOA record less', (own: string) => own.replace(/.* SOA .*\n/, '')],
    ['$(touch x) `id`', () => '$(exit 3) `exit 4` "\'\\\n'],
    ['empty file', () => ''],
  ])('does not take another file for it: %s', (name, change) => {
    const [state] = observe([at(name.replaceAll('/', ''), change(zoneText(ZONE)))]);
    if (state?.state === 'known') expect(state.value).toMatchObject({ isNormal: false });
    else expect(state).toMatchObject({ state: 'unknown' });
  });
});

describe('records', () => {
  const refuse = (detail: string): never => {
    throw new Error(detail);
  };
  const read = (...written: WrittenRecord[]) => {
    const records = readRecords('farm.example', 300, written, () => refuse);
    checkRecords('farm.example', [...ZONE.records, ...records], refuse);
    return records.map((one) => `${one.owner} ${one.ttl} ${one.type} ${one.data}`);
  };

  it('are read', () => {
    expect(
      read(
        { name: 'www', type: 'CNAME', value: 'App2' },
        { name: '@', type: 'MX', value: 'mail.example.net.', priority: 5 },
        { name: '_sip._tcp', type: 'SRV', value: 'app2', port: 5060 },
        { name: 'lab', type: 'NS', value: 'ns.lab' },
        { name: '*', type: 'A', value: '10.77.0.40', ttl: 5 },
        { name: '_dmarc', type: 'TXT', value: 'v=DMARC1; p=none' },
      ),
    ).toEqual([
      'www.farm.example. 300 CNAME app2.farm.example.',
      'farm.example. 300 MX 5 mail.example.net.',
      '_sip._tcp.farm.example. 300 SRV 0 0 5060 app2.farm.example.',
      'lab.farm.example. 300 NS ns.lab.farm.example.',
      '*.farm.example. 5 A 10.77.0.40',
      '_dmarc.farm.example. 300 TXT "v=DMARC1; p=none"',
    ]);
  });

  it.each<[WrittenRecord, string]>([
    [
      { name: 'a b', type: 'A', value: '10.0.0.1' },
      'The name "a b" of the A record has the label "a b", which is none of a host name.',
    ],
    [
      { name: 'a_b', type: 'A', value: '10.0.0.1' },
      'The name "a_b" of the A record has the label "a_b", which is none of a host name.',
    ],
    [
      { name: 'a..b', type: 'A', value: '10.0.0.1' },
      'The name "a..b" of the A record has an empty label (two dots in a row, or one at its beginning).',
    ],
    [
      { name: 'x'.repeat(64), type: 'A', value: '10.0.0.1' },
      `The name "${'x'.repeat(64)}" of the A record has a label of 64 characters, and 63 is the limit.`,
    ],
    [
      { name: 'www.other.org.', type: 'A', value: '10.0.0.1' },
      'The A record "www.other.org." does not lie in the zone farm.example.',
    ],
    [{ name: 'x', type: 'A', value: '10.0.0.256' }, 'The value "10.0.0.256" of the A record "x" is no IPv4 address.'],
    [{ name: 'x', type: 'A', value: '010.0.0.1' }, 'The value "010.0.0.1" of the A record "x" is no IPv4 address.'],
    [{ name: 'x', type: 'A', value: '::1' }, 'The value "::1" of the A record "x" is no IPv4 address.'],
    [
      { name: 'x', type: 'A', value: '10.0.0.1\nevil A 1.1.1.1' },
      'The value "10.0.0.1\nevil A 1.1.1.1" of the A record "x" is no IPv4 address.',
    ],
    [{ name: 'x', type: 'A', value: '10.0.0.1', port: 3 }, 'The A record "x" has a port, which it cannot have.'],
    [{ name: 'x', type: 'SRV', value: 'app2' }, 'The SRV record "x" has no port.'],
    [{ name: 'x', type: 'TXT', value: '' }, 'The TXT record "x" is empty.'],
    [
      { name: 'x', type: 'CNAME', value: 'app2\n' },
      'The value "app2\n" of the CNAME record "x" has the label "app2\n", which is none of a host name.',
    ],
    [
      { name: 'x', type: 'CNAME', value: 'mail.example.net' },
      'The CNAME record of x.farm.example. points to mail.example.net.farm.example., which the zone does not have.',
    ],
    [
      { name: 'app2', type: 'CNAME', value: 'ns1' },
      'app2.farm.example. has a CNAME record and others beside it in the zone farm.example.',
    ],
    [
      { name: '@', type: 'CNAME', value: 'ns1' },
      'farm.example. has a CNAME record and others beside it in the zone farm.example.',
    ],
    [
      { name: '@', type: 'MX', value: 'note' },
      'The MX record of farm.example. points to note.farm.example., which has no address.',
    ],
    [
      { name: 'app2', type: 'A', value: '10.77.0.22' },
      'app2.farm.example. has the A record 10.77.0.22 twice in the zone farm.example.',
    ],
    [
      { name: 'app2', type: 'A', value: '10.77.0.23', ttl: 5 },
      'app2.farm.example. has A records with different TTLs in the zone farm.example.',
    ],
  ])('are refused: %j', (record, message) => {
    expect(() => read(record)).toThrow(new Error(message));
  });
});

describe('names', () => {
  it('of reverse zones are cut at whole octets', () => {
    expect([24, 25, 32, 17, 16, 9, 8].map((prefix) => reverseZone('10.77.3.4', prefix))).toEqual([
      '3.77.10.in-addr.arpa',
      '3.77.10.in-addr.arpa',
      '3.77.10.in-addr.arpa',
      '3.77.10.in-addr.arpa',
      '77.10.in-addr.arpa',
      '77.10.in-addr.arpa',
      '10.in-addr.arpa',
    ]);
    expect(reverseName('10.77.3.4')).toBe('4.3.77.10.in-addr.arpa.');
  });

  it('have at most 253 characters', () => {
    expect(hostNameMistake(Array(50).fill('abcde').join('.'))).toBe('is longer than 253 characters');
  });
});

describe('the copy on a secondary', () => {
  const copy = zoneCopy({ name: 'farm.example', path: '/var/cache/bind/farm.example.zone', primary: '10.77.0.11' });
  const seen = new Map([
    [resourceKey(copy), { record: record({}), observed: copy.type.parse(record({}), copy.desired) }],
  ]);

  const diff = (here?: string, primary?: string, kept?: string) => {
    const observed = copy.type.parse(
      record({ ...(here && { here }), ...(primary && { primary }), ...(kept && { kept }) }),
      copy.desired,
    );
    return observed.state === 'known' ? copy.type.diff(copy.desired, observed.value, [])?.fields : observed.state;
  };

  it('has the serial of the primary and lies at its path', () => {
    expect(diff('41', '41', 'yes')).toBeUndefined();
    expect(diff('41', '42', 'yes')).toEqual([{ name: 'copy', from: '41', to: '42' }]);
    expect(diff(undefined, '42', 'yes')).toEqual([{ name: 'copy', from: 'not loaded', to: '42' }]);
    // Another configuration serves it: with ours the copy would be missing at first.
    expect(diff('41', '41')).toEqual([
      { name: 'copy', from: 'in another file', to: '/var/cache/bind/farm.example.zone' },
    ]);
    expect(diff('41', undefined)).toBeUndefined();
  });

  it('is unknown as long as neither server answers for the zone', () => {
    expect(assess(copy, [], false, seen)).toMatchObject({ kind: 'unknown' });
  });

  it('can be taken away after the primary has dropped the zone', () => {
    expect(assess(copy, [], true, seen)).toMatchObject({ kind: 'change', difference: { action: 'delete' } });
  });
});
