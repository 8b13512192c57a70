import {
  Content,
  type Difference,
  defineResource,
  difference,
  type Field,
  joinScripts,
  known,
  type ProbeRecord,
  sh,
  t,
} from 'farmctl';
import { following, isNewer, newest, parseSerial } from './serial.ts';
import { canonical, hasSameRecords, readable, withSerial } from './zone-text.ts';

/** What lies at the zone file's path, and which serials are about. */
interface ZoneState {
  /** As `stat` names it, `regular file`; empty where nothing is there. */
  readonly kind: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** True if the file is ours byte for byte but for the serial. */
  readonly isNormal: boolean;
  /** The file's own serial. */
  readonly serial: number | undefined;
  /** The newest of the file's, the one served here and those of the secondaries that answered. */
  readonly highest: number | undefined;
  /** The file's text, where it is not ours. */
  readonly content: string | undefined;
  /**
   * The records as named-compilezone reads them: of the file where it is not ours, of the one that named serves the zone
   * from where there is none at our path; empty if it could not.
   */
  readonly records: string;
  /** The file at another path that named serves the zone from; empty where there is none. */
  readonly servedFrom: string;
}

const OWNER = { mode: '0644', owner: 'root', group: 'bind' } as const;
const SHOWN_BYTES = 1_048_576;

/**
 * `ask SERVER ZONE SOA…` adds the SOA records that the server answers with to `$answers`. One that does not answer the
 * first question is not asked the others: it costs a second, not a second a zone.
 * `zone N NAME PATH DIGEST SERVER…` prints the record.
 */
const FUNCTIONS = sh`answers=
is_newer() { ahead=$(( ($1 - $2) & 4294967295 )); [ "$ahead" -gt 0 ] && [ "$ahead" -lt 2147483648 ]; }
is_serial() { case $1 in '' | *[!0-9]* | 0?* | ???????????*) return 1 ;; esac; }
count() {
  is_serial "$1" || return 0
  if [ -z "$highest" ] || is_newer "$1" "$highest"; then highest=$1; fi
}
ask() {
  server=$1
  shift
  command -v dig >/dev/null || return 0
  dig +noall +answer +norecurse +time=1 +tries=1 "@$server" "$1" SOA >/dev/null 2>&1 || return 0
  answers="$answers
$(dig +noall +answer +norecurse +time=1 +tries=1 "@$server" "$@" 2>/dev/null)"
}
compiled() { timeout -k 1 20 named-compilezone -q -F text -s full -o - "$1" "$2" 2>/dev/null | data records; }
served() {
  command -v rndc >/dev/null && command -v named-compilezone >/dev/null || return 0
  other=$(timeout -k 1 5 rndc zonestatus "$1" 2>/dev/null | sed -n 's/^files: \([^,]*\).*/\1/p')
  case $other in '') return 0 ;; /*) ;; *) other=/var/cache/bind/$other ;; esac
  [ -f "$other" ] || return 0
  field served "$other"
  compiled "$1" "$other"
}
zone() {
  name=$2 path=$3 wanted=$4 highest= own= missing=dig
  record "$1"
  if [ -e "$path" ] || [ -L "$path" ]; then
    found=$(stat -c '%F/%a/%U/%G/%s' -- "$path")
    field stat "$found"
  else
    served "$name"
  fi
  if [ -f "$path" ] && [ ! -L "$path" ]; then
    while read -r x x x type x x serial x; do
      [ "$type" = SOA ] || continue
      is_serial "$serial" && own=$serial
      break
    done <"$path"
    count "$own"
    field serial "$own"
    digest=$(sed '/^[^ ]* [0-9]* IN SOA /s/ [0-9]* \([0-9]* [0-9]* [0-9]* [0-9]*\)$/ 0 \1/' "$path" | sha256sum)
    if [ -n "$own" ] && [ "$(printf %.64s "$digest")" = "$wanted" ]; then
      field normal yes
      missing=
    else
      if command -v named-compilezone >/dev/null; then
        compiled "$name" "$path"
      else
        missing=named-compilezone
      fi
      [ "$(printf %s "$found" | sed 's:.*/::')" -gt ${SHOWN_BYTES} ] || data content <"$path"
    fi
  fi
  while read -r owner x x type x x serial x; do
    [ "$owner/$type" != "$name./SOA" ] || count "$serial"
  done <<X
$answers
X
  field highest "$highest"
  [ -z "$missing" ] || command -v "$missing" >/dev/null || unknown_because "$missing is not installed"
  end_record
}`;

function parse(record: ProbeRecord): ZoneState {
  const [kind = '', mode = '', owner = '', group = ''] = record.text('stat').split('/');
  const records = record.text('records');
  const isNormal = record.has('normal');
  const read = canonical(records).serial;
  const serial = isNormal ? parseSerial(record.text('serial')) : (read ?? parseSerial(record.text('serial')));
  return {
    kind,
    mode: mode === '' ? '' : mode.padStart(4, '0'),
    owner,
    group,
    isNormal,
    serial,
    highest: newest([serial, parseSerial(record.text('highest'))]),
    content: record.has('content') ? record.text('content') : undefined,
    records,
    servedFrom: record.text('served'),
  };
}

/** The serial that the file shall have, and why it is another one than now. */
function nextSerial(
  template: string,
  state: ZoneState | undefined,
): { readonly serial: number; readonly reason: 'records' | 'behind' | undefined } {
  const here = state?.serial;
  const isSame =
    state?.isNormal === true ||
    (state !== undefined && state.records !== '' && hasSameRecords(canonical(template), canonical(state.records)));
  if (!isSame || here === undefined) return { serial: following(state?.highest), reason: 'records' };
  if (state.highest !== undefined && isNewer(state.highest, here))
    return { serial: following(state.highest), reason: 'behind' };
  return { serial: here, reason: undefined };
}

/** The zone as it is now, in the form in which it will be, where named could read it. */
function textNow(name: string, template: string, state: ZoneState | undefined): string | undefined {
  if (state?.isNormal === true && state.serial !== undefined) return withSerial(template, state.serial);
  return state === undefined || state.records === '' ? state?.content : readable(state.records, name);
}

function diff(
  desired: { name: string; path: string; content: Content },
  state: ZoneState | undefined,
): Difference | undefined {
  const template = desired.content.template ?? '';
  const isThere = state !== undefined && state.kind !== '';
  const isFile = state?.kind.startsWith('regular') ?? false;
  const { serial, reason } = nextSerial(template, state);
  const fields: Field[] = [];
  if (isThere && !isFile) fields.push({ name: 'kind', from: state.kind, to: 'regular file' });
  for (const name of ['mode', 'owner', 'group'] as const)
    fields.push({ name, from: isFile ? state?.[name] : undefined, to: OWNER[name] });
  const from = state?.highest;
  fields.push({ name: 'serial', from: from?.toString(), to: reason === undefined ? from?.toString() : `${serial}` });
  const before = textNow(desired.name, template, state);
  const text = { path: desired.path, before, after: withSerial(template, serial), sensitive: false };
  const notes: string[] = [];
  if (reason === 'behind')
    notes.push('A server has a newer serial than the file: with an older one nobody would take the zone.');
  if (!isThere && state !== undefined && state.servedFrom !== '')
    notes.push(`The zone is served from ${state.servedFrom} now; that file stays as it is.`);
  return difference(isThere ? 'update' : 'create', fields, { texts: reason === undefined ? [] : [text], notes });
}

/**
 * A zone file of a primary. The content is the zone with serial 0. A file that holds the same records is left as it is,
 * however it is written; else the serial is the newest of the file's, the one served here and those of the secondaries,
 * plus one: so a rebuilt primary is not older than its secondaries. A secondary that does not answer is not counted; it
 * is when it is back. Unknown where the file is not ours as it stands and dig or named-compilezone is missing.
 */
export const zone = defineResource({
  type: 'dns-zone',
  filesOnly: true,
  desired: t.object({
    name: t.string({ description: 'The zone, without the dot at its end.' }),
    path: t.path({ description: 'The zone file.' }),
    content: t.content({ description: 'The zone in the normal form of zoneText(), serial 0.' }),
    secondaries: t.array(t.string(), { description: 'Addresses of the servers that hold copies.' }),
  }),
  id: ({ name }) => name,
  probe(all) {
    const zones = new Map<string, string[]>();
    for (const { name, secondaries } of all)
      for (const server of ['127.0.0.1', ...secondaries])
        zones.set(server, [...(zones.get(server) ?? []), name, 'SOA']);
    return joinScripts([
      FUNCTIONS,
      ...[...zones].map(([server, words]) => sh`ask ${server} ${words}`),
      ...all.map(({ name, path, content }, index) => sh`zone ${index} ${name} ${path} ${content.digest}`),
    ]);
  },
  parse: (record) => known(parse(record)),
  diff: (desired, state: ZoneState | undefined) => diff(desired, state),
  apply({ path, content }, state) {
    const template = content.template ?? '';
    const { serial } = nextSerial(template, state);
    return { files: [{ kind: 'file', path, content: Content.text(withSerial(template, serial)), ...OWNER }] };
  },
  remove({ path }, state) {
    if (state?.kind === '') return { kind: 'gone' };
    const fields = [{ name: 'zone file', from: path, to: undefined }];
    return {
      kind: 'remove',
      difference: { action: 'delete', fields, texts: [], risk: 'none', notes: [] },
      effect: { files: [{ kind: 'restore', path }] },
    };
  },
  whole(desired) {
    const template = desired.content.template ?? '';
    return {
      action: 'create',
      fields: [
        ...Object.entries(OWNER).map(([name, to]) => ({ name, from: undefined, to })),
        { name: 'serial', from: undefined, to: 'the newest that any server has, plus one' },
      ],
      texts: [{ path: desired.path, before: undefined, after: template, sensitive: false }],
      risk: 'none',
      notes: [],
    };
  },
  paths: ({ path }) => [path],
});
