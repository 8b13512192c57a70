import { describe, expect, it } from 'vitest';
import { firewallMarks, parseMarks } from '../../roles/lvs-dr/firewall-marks.ts';
import { type Absence, absences, tableEdits, type WantedService } from '../../roles/lvs-dr/ipvs-edits.ts';
import { parseDaemons, parseTable, parseTimeouts } from '../../roles/lvs-dr/table.ts';

const app = (name: string, last: number, weight = 1) => ({
  name,
  destination: `10.77.0.${last}:80`,
  method: '-g',
  weight,
});

const www: WantedService = {
  name: 'www',
  key: '-t 10.77.0.100:80',
  scheduler: 'wrr',
  persistence: '',
  quiescent: false,
  fallback: '',
  destinations: [app('app1', 21, 3), app('app2', 22)],
};

const RIGHT = `-A -t 10.77.0.100:80 -s wrr
-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 3
-a -t 10.77.0.100:80 -r 10.77.0.22:80 -g -w 1
`;

/** The edits as people read them, and as ipvsadm is told. */
function edits(table: string, service = www, absence: Absence | undefined = undefined) {
  return tableEdits([service], parseTable(table), () => absence).map(({ field, words }) => [
    `${field.name}: ${field.from} -> ${field.to ?? '(none)'}`,
    words.join(' '),
  ]);
}

describe("the kernel's table", () => {
  it('is left alone where it is right', () => {
    expect(edits(RIGHT)).toEqual([]);
  });

  it.each([
    [
      'a weight',
      RIGHT.replace('-w 3', '-w 7'),
      'www 10.77.0.100:80/tcp app1 10.77.0.21:80: direct, weight 7 -> direct, weight 3',
      '-e -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 3',
    ],
    [
      'a method',
      RIGHT.replace('-g -w 3', '-m -w 3'),
      'www 10.77.0.100:80/tcp app1 10.77.0.21:80: nat, weight 3 -> direct, weight 3',
      '-e -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 3',
    ],
    [
      'a scheduler',
      RIGHT.replace('-s wrr', '-s sh'),
      'www 10.77.0.100:80/tcp: sh -> wrr',
      '-E -t 10.77.0.100:80 -s wrr',
    ],
    [
      'stickiness',
      RIGHT.replace('-s wrr', '-s wrr -p 300 -M 255.255.255.0'),
      'www 10.77.0.100:80/tcp: wrr, persistent 300 255.255.255.0 -> wrr',
      '-E -t 10.77.0.100:80 -s wrr',
    ],
    [
      'a foreign server',
      `${RIGHT}-a -t 10.77.0.100:80 -r 10.77.0.99:80 -g -w 1\n`,
      'www 10.77.0.100:80/tcp 10.77.0.99:80: direct, weight 1 -> (none)',
      '-d -t 10.77.0.100:80 -r 10.77.0.99:80',
    ],
    [
      'a foreign service',
      `${RIGHT}-A -u 10.77.0.100:53 -s rr\n`,
      '10.77.0.100:53/udp: rr -> (none)',
      '-D -u 10.77.0.100:53',
    ],
    ['a foreign mark', `${RIGHT}-A -f 7 -s rr\n`, 'mark 7: rr -> (none)', '-D -f 7'],
  ])('%s that is wrong is put right', (_, table, shown, told) => {
    expect(edits(table)).toEqual([[shown, told]]);
  });

  it('lacks a server: a difference if that answers, else what the note says', () => {
    const table = RIGHT.replace(/^.*0\.22:80.*\n/m, '');
    expect(edits(table, www, 'passes')).toEqual([
      [
        'www 10.77.0.100:80/tcp app2 10.77.0.22:80: missing -> direct, weight 1',
        '-a -t 10.77.0.100:80 -r 10.77.0.22:80 -g -w 1',
      ],
    ]);
    for (const [absence, why] of [
      ['fails', 'it fails its check'],
      ['maintenance', 'it is in maintenance'],
    ] as const) {
      expect(edits(table, www, absence)).toEqual([]);
      expect(absences([www], parseTable(table), () => absence)).toEqual([
        `app2 (10.77.0.22:80) is out of service www: ${why}.`,
      ]);
    }
  });

  it('lists a server that fails with weight 0 where the service is quiescent', () => {
    const table = RIGHT.replace('-w 1', '-w 0');
    const quiet = { ...www, quiescent: true };
    expect(edits(table, quiet, 'fails')).toEqual([]);
    expect(edits(table, quiet, 'passes')).toHaveLength(1);
    expect(edits(table, www, 'fails')).toHaveLength(1);
  });

  it('lists the fallback server while no other one is there', () => {
    const withFallback = { ...www, fallback: '127.0.0.1:80' };
    const alone = '-A -t 10.77.0.100:80 -s wrr\n-a -t 10.77.0.100:80 -r 127.0.0.1:80 -g -w 1\n';
    expect(edits(alone, withFallback, 'fails')).toEqual([]);
    expect(edits(RIGHT + alone.split('\n')[1], withFallback, 'fails').map(([shown]) => shown)).toEqual([
      'www 10.77.0.100:80/tcp 127.0.0.1:80: direct, weight 1 -> (none)',
    ]);
    const idle = `${RIGHT.replaceAll(/-w \d/g, '-w 0')}${alone.split('\n')[1]}`;
    expect(edits(idle, { ...withFallback, quiescent: true }, 'fails')).toEqual([]);
  });

  it('has timeouts and daemons beside it', () => {
    expect(parseTimeouts('Timeout (tcp tcpfin udp): 900 120 300\n')).toBe('900 120 300');
    expect(
      parseDaemons('master sync daemon (mcast=eth0, syncid=100)\nbackup sync daemon (mcast=eth0, syncid=100)\n'),
    ).toEqual(['backup eth0 100', 'master eth0 100']);
  });
});

describe('firewall marks', () => {
  /** As nft 1.0.6 prints them with -n. */
  const LOADED = `table ip farmctl_lvs {
	chain marks {
		type filter hook prerouting priority -150; policy accept;
		ip daddr 10.77.0.100 tcp dport { 80, 443 } meta mark set 0x00000007
		ip daddr 10.77.0.101 udp dport 53 meta mark set 0x00001267
	}
}
`;
  const marks = firewallMarks({
    rules: [
      { address: '10.77.0.100', protocol: 'tcp', ports: [443, 80], mark: 7 },
      { address: '10.77.0.101', protocol: 'udp', ports: [53], mark: 4711 },
    ],
  });
  const fields = (loaded: string) => marks.type.diff(marks.desired, parseMarks(loaded), [])?.fields;

  it('are compared by what they say', () => {
    expect(fields(LOADED)).toBeUndefined();
  });

  it.each([
    ['another mark', LOADED.replace('0x00000007', '0x00000008'), '10.77.0.100 tcp 80, 443: mark 8'],
    ['a missing port', LOADED.replace('{ 80, 443 }', '80'), '10.77.0.100 tcp 80: mark 7'],
    ['a foreign rule', LOADED.replace('\t}', '\t\tdrop\n\t}'), 'drop'],
    ['another hook', LOADED.replace('-150', '0'), 'type filter hook prerouting priority 0; policy accept;'],
  ])('%s is seen', (_, loaded, said) => {
    expect(fields(loaded)?.[0]?.from).toContain(said);
  });
});
