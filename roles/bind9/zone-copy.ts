import { defineResource, difference, joinScripts, known, sh, t, unknown } from 'farmctl';
import { parseSerial } from './serial.ts';

interface CopyState {
  /** The serials that this host and its primary answer with; undefined: none. */
  readonly here: number | undefined;
  readonly primary: number | undefined;
  /** True if the copy lies at its path. It does not where the zone is served from somebody else's file. */
  readonly isKept: boolean;
}

const SECONDS = 30;

/** `serials SERVER ZONE SOA…` prints what the server answers, `tell N ZONE PATH` the record. */
const FUNCTIONS = sh`serials() {
  command -v dig >/dev/null || return 0
  server=$1
  shift
  dig +noall +answer +norecurse +time=1 +tries=2 "@$server" "$1" SOA >/dev/null 2>&1 || return 0
  dig +noall +answer +norecurse +time=1 +tries=2 "@$server" "$@" 2>/dev/null
}
pick() {
  while read -r owner x x type x x serial x; do
    if [ "$owner/$type" = "$2./SOA" ]; then field "$1" "$serial"; break; fi
  done <<X
$3
X
}
tell() {
  record "$1"
  if command -v dig >/dev/null; then
    pick here "$2" "$here"
    pick primary "$2" "$4"
    [ ! -f "$3" ] || field kept yes
  else
    unknown_because 'dig is not installed'
  fi
  end_record
}`;

/**
 * The copy of a zone on a secondary. It is as desired when it lies at its path and has the serial of the primary. Its
 * action is to transfer the zone anew and wait. A primary that does not answer is not this host's drift as long as the zone is served here.
 */
export const zoneCopy = defineResource({
  type: 'dns-zone-copy',
  desired: t.object({
    name: t.string({ description: 'The zone, without the dot at its end.' }),
    path: t.path({ description: 'Where named keeps the copy.' }),
    primary: t.string({ description: 'Address of the server that has the zone itself.' }),
  }),
  id: ({ name }) => name,
  probe(all) {
    const primaries = [...new Set(all.map((one) => one.primary))];
    const words = (zones: readonly { name: string }[]) => zones.flatMap(({ name }) => [name, 'SOA']);
    return joinScripts([
      FUNCTIONS,
      sh`here=$(serials 127.0.0.1 ${words(all)})`,
      ...primaries.map((address, number) => {
        const zones = all.filter((one) => one.primary === address);
        return sh`primary_${number}=$(serials ${address} ${words(zones)})`;
      }),
      ...all.map(
        ({ name, path, primary }, index) => sh`tell ${index} ${name} ${path} "$primary_${primaries.indexOf(primary)}"`,
      ),
    ]);
  },
  parse(record, { name, primary }) {
    const state: CopyState = {
      here: parseSerial(record.text('here')),
      primary: parseSerial(record.text('primary')),
      isKept: record.has('kept'),
    };
    // A copy that nobody wants any more is taken away whether or not the primary has already dropped the zone.
    if (state.here === undefined && state.primary === undefined)
      return { ...unknown(`the primary, ${primary}, does not answer for ${name}`), removable: { value: state } };
    return known(state);
  },
  diff({ path }, state: CopyState | undefined) {
    const from = state?.here?.toString() ?? 'not loaded';
    if (state === undefined || state.here === undefined)
      return difference('create', [{ name: 'copy', from, to: state?.primary?.toString() ?? 'as the primary' }]);
    if (state.primary === undefined) return undefined;
    if (!state.isKept) return difference('create', [{ name: 'copy', from: 'in another file', to: path }]);
    if (state.primary === state.here) return undefined;
    return difference('update', [{ name: 'copy', from, to: state.primary.toString() }]);
  },
  apply({ name, path, primary }) {
    return {
      script: sh`serial_at() { dig +short +norecurse +time=1 +tries=1 SOA ${name} "@$1" 2>/dev/null | cut -d ' ' -f 3; }
rndc retransfer ${name} || exit 1
left=${SECONDS * 2}
while :; do
  here=$(serial_at 127.0.0.1)
  there=$(serial_at ${primary})
  case $here in '' | *[!0-9]*) ;; "$there") [ ! -f ${path} ] || exit 0 ;; esac
  [ "$left" -gt 0 ] || break
  left=$((left - 1))
  sleep 0.5
done
echo ${`zone ${name}:`} "serial here '$here', at the primary '$there'" >&2
rndc zonestatus ${name} >&2
exit 1`,
    };
  },
  // The primary and the first start of named go on meanwhile; whatever serial is found, the change is the same.
  covers: () => true,
  remove({ path }) {
    const fields = [{ name: 'copy', from: path, to: undefined }];
    return {
      kind: 'remove',
      difference: { action: 'delete', fields, texts: [], risk: 'none', notes: [] },
      // named wrote it, so there is nothing of farmctl's own to give back.
      effect: { script: sh`rm -f -- ${path}` },
    };
  },
  paths: ({ path }) => [path],
});
