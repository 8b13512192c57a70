/** A real server in the kernel's table. */
export interface Destination {
  /** As ipvsadm writes it: `-g`, `-m`, `-i`; '' for the director itself. */
  readonly method: string;
  readonly weight: number;
}

/** A virtual service in the kernel's table. */
export interface TableService {
  readonly scheduler: string;
  /** `300`, or with a netmask `300 255.255.255.0`; '' without. */
  readonly persistence: string;
  /** By address and port: `10.77.0.21:80`. */
  readonly destinations: ReadonlyMap<string, Destination>;
}

/** By what ipvsadm calls it: `-t 10.77.0.100:80`, `-f 7`. */
export type Table = ReadonlyMap<string, TableService>;

const WHOLE_MASK = '255.255.255.255';

/** The words after `word`; '' if it is not there. */
function after(words: readonly string[], word: string): string {
  const at = words.indexOf(word);
  return at === -1 ? '' : (words[at + 1] ?? '');
}

/** Reads what `ipvsadm -Sn` prints. Lines of another form are passed over. */
export function parseTable(text: string): Table {
  const table = new Map<string, TableService & { readonly destinations: Map<string, Destination> }>();
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [verb = '', kind = '', of = ''] = words;
    const key = `${kind} ${of}`;
    if (verb === '-A') {
      const seconds = after(words, '-p');
      const mask = after(words, '-M');
      table.set(key, {
        scheduler: after(words, '-s'),
        persistence: mask === '' || mask === WHOLE_MASK ? seconds : `${seconds} ${mask}`,
        destinations: new Map(),
      });
    }
    if (verb === '-a')
      table.get(key)?.destinations.set(after(words, '-r'), {
        method: words.find((word) => ['-g', '-m', '-i'].includes(word)) ?? '',
        weight: Number(after(words, '-w')),
      });
  }
  return table;
}

/** Reads what `ipvsadm -l --timeout` prints: `900 120 300`; '' if it printed something else. */
export function parseTimeouts(text: string): string {
  return /^Timeout \(tcp tcpfin udp\): (\d+) (\d+) (\d+)/m.exec(text)?.slice(1).join(' ') ?? '';
}

/** Reads what `ipvsadm -l --daemon` prints: `master eth0 78` each, sorted. */
export function parseDaemons(text: string): readonly string[] {
  const found = text.matchAll(/^(master|backup) sync daemon \(mcast=([^,)]+), syncid=(\d+)/gm);
  return [...found].map(([, state, device, id]) => `${state} ${device} ${id}`).sort();
}

/** `wrr, persistent 300`, as people read it. */
export function shownService({ scheduler, persistence }: Pick<TableService, 'scheduler' | 'persistence'>): string {
  return persistence === '' ? scheduler : `${scheduler}, persistent ${persistence}`;
}

const METHOD_NAMES: Readonly<Record<string, string>> = { '-g': 'direct', '-m': 'nat', '-i': 'tunnel' };

/** `direct, weight 3`, as people read it. */
export function shownDestination({ method, weight }: Destination): string {
  return `${METHOD_NAMES[method] ?? 'local'}, weight ${weight}`;
}

/** `10.77.0.100:80/tcp`, `mark 7`, as people read it. */
export function shownKey(key: string): string {
  const [kind, of = ''] = key.split(' ');
  if (kind === '-f') return `mark ${of}`;
  return `${of}/${kind === '-u' ? 'udp' : 'tcp'}`;
}
