import {
  defineResource,
  difference,
  joinScripts,
  known,
  type ProbeRecord,
  type Script,
  type Static,
  sh,
  t,
  unknown,
} from 'farmctl';
import { type Asked, lookAgain, parseAnswers } from './ask-again.ts';
import { type Absence, absences, type Edit, tableEdits, type WantedService } from './ipvs-edits.ts';
import { parseDaemons, parseTable, parseTimeouts, type Table } from './table.ts';

/** The kernel's table as it was found, and what is known of the servers that it lacks. */
export interface TableState {
  readonly table: Table;
  /** `900 120 300`: tcp, tcpfin, udp. */
  readonly timeouts: string;
  /** `master eth0 78`, sorted. */
  readonly daemons: readonly string[];
  absence(key: string, destination: string): Absence | undefined;
}

const destination = t.object({
  name: t.string({ description: 'The host.' }),
  destination: t.string({ description: 'Address and port.' }),
  method: t.string({ description: '`-g`, `-m` or `-i`.' }),
  weight: t.integer({ description: 'Its weight.' }),
  check: t.array(t.string(), { description: 'How it is asked.' }),
});

/** Seconds: a look must end within its own time limit. */
const MOST_PATIENCE = 12;

const schema = t.object({
  services: t.array(
    t.object({
      name: t.string({ description: 'The service.' }),
      key: t.string({ description: '`-t 10.77.0.100:80`.' }),
      scheduler: t.string({ description: 'The scheduler.' }),
      persistence: t.string({ description: 'Seconds and netmask.' }),
      quiescent: t.boolean({ description: 'Whether failing servers stay with weight 0.' }),
      fallback: t.string({ description: 'Address and port of the fallback server.' }),
      timeout: t.integer({ description: 'Seconds of the check.' }),
      destinations: t.array(destination, { description: 'The real servers.' }),
    }),
    { description: 'All entries.' },
  ),
  patience: t.integer({ description: 'Seconds in which ldirectord lists a server that is back.' }),
  timeouts: t.string({ description: 'tcp, tcpfin, udp.' }),
  daemons: t.array(t.string(), { description: '`master eth0 78`.' }),
});

type Desired = Static<typeof schema>;

function asked({ services }: Pick<Desired, 'services'>): readonly Asked[] {
  return services.flatMap(({ key, quiescent, timeout, destinations }) =>
    destinations.map((one) => ({ ...one, key, quiescent, timeout })),
  );
}

/** ipvsadm would load the module by itself, and to look must change nothing. */
function probe(desired: Desired, index: number): Script {
  return joinScripts([
    sh`record ${index}
if [ ! -e /proc/net/ip_vs ]; then
  unknown_because 'the kernel module ip_vs is not loaded'
elif ! command -v ipvsadm >/dev/null; then
  unknown_because 'ipvsadm is not installed'
else`,
    lookAgain(asked(desired)),
    sh`  table=$(ipvsadm -Sn 2>&1)
  answers=$(look_again)
  # It may have come back this moment: ldirectord gets the time to notice.
  case $answers in *passes*) sleep ${Math.min(desired.patience, MOST_PATIENCE)}; table=$(ipvsadm -Sn 2>&1) ;; esac
  field table "$table"
  field answers "$answers"
  field timeouts "$(ipvsadm -l --timeout 2>&1)"
  field daemons "$(ipvsadm -l --daemon 2>&1)"
fi
end_record`,
  ]);
}

function parse(record: ProbeRecord, desired: Desired): TableState {
  const answers = parseAnswers(record.text('answers'));
  const words = new Map(asked(desired).map((one, number) => [`${one.key} ${one.destination}`, answers.get(number)]));
  return {
    table: parseTable(record.text('table')),
    timeouts: parseTimeouts(record.text('timeouts')),
    daemons: parseDaemons(record.text('daemons')),
    absence: (key, of) => words.get(`${key} ${of}`),
  };
}

const EMPTY: TableState = { table: new Map(), timeouts: '', daemons: [], absence: () => 'passes' };

function edits(desired: Desired, state: TableState): readonly Edit[] {
  const services: readonly WantedService[] = desired.services;
  return tableEdits(services, state.table, state.absence);
}

function diff(desired: Desired, state: TableState = EMPTY) {
  const found = edits(desired, state);
  const changed = difference(
    state.table.size === 0 ? 'create' : 'update',
    [
      ...found.map(({ field }) => field),
      { name: 'timeouts', from: state.timeouts || undefined, to: desired.timeouts },
      { name: 'synchronisation', from: state.daemons.join(', ') || 'none', to: desired.daemons.join(', ') || 'none' },
    ],
    { risk: found.some(({ isGrave }) => isGrave) ? 'outage' : 'none' },
  );
  return changed;
}

/** One command for each difference: what ldirectord has done meanwhile is no failure. */
function apply(desired: Desired, state: TableState = EMPTY): { readonly script: Script } {
  const lines = edits(desired, state).map(({ words, otherwise }) =>
    otherwise === undefined
      ? sh`ipvsadm ${words} 2>/dev/null || :`
      : sh`ipvsadm ${words} 2>/dev/null || ipvsadm ${otherwise} || exit 1`,
  );
  if (state.timeouts !== desired.timeouts) lines.push(sh`ipvsadm --set ${desired.timeouts.split(' ')} || exit 1`);
  for (const one of state.daemons.filter((each) => !desired.daemons.includes(each)))
    lines.push(sh`ipvsadm --stop-daemon ${one.split(' ').slice(0, 1)} || exit 1`);
  for (const one of desired.daemons.filter((each) => !state.daemons.includes(each))) {
    const [role = '', device = '', id = ''] = one.split(' ');
    lines.push(sh`ipvsadm --start-daemon ${role} --mcast-interface ${device} --syncid ${id} || exit 1`);
  }
  return { script: joinScripts(lines) };
}

/**
 * The kernel's table of a director, all of it: entries that nobody declared leave. A real server that does not answer is
 * rightly missing; one that is missing and answers is a difference. Unknown where ip_vs is not loaded.
 */
export const ipvsTable = defineResource({
  type: 'ipvs-table',
  desired: schema,
  id: () => 'all services',
  probe: (all) => joinScripts(all.map(probe)),
  parse: (record, desired) => {
    const text = record.text('table');
    if (text !== '' && !/^-A /m.test(text)) return unknown(`ipvsadm said: ${text.split('\n')[0]}`);
    return known(parse(record, desired));
  },
  diff: (desired, state: TableState | undefined) => diff(desired, state),
  apply: (desired, state) => apply(desired, state),
  // Servers come and go by themselves, and ldirectord has filled the table when its turn comes.
  covers: () => true,
  remarks: ({ services }, state) => (state === undefined ? [] : absences(services, state.table, state.absence)),
  remove(_desired, state) {
    if (state === undefined || (state.table.size === 0 && state.daemons.length === 0)) return { kind: 'gone' };
    return {
      kind: 'remove',
      difference: {
        action: 'delete',
        fields: [{ name: 'services', from: [...state.table.keys()].join(', '), to: undefined }],
        texts: [],
        risk: 'outage',
        notes: [],
      },
      // ldirectord would fill it again.
      effect: {
        script: joinScripts([
          sh`systemctl stop ldirectord.service 2>/dev/null
ipvsadm -C || exit 1`,
          ...state.daemons.map((one) => sh`ipvsadm --stop-daemon ${one.split(' ').slice(0, 1)} || exit 1`),
        ]),
      },
    };
  },
});
