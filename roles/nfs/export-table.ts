import { defineResource, difference, type Field, known, type Script, sh, t } from 'farmctl';

/** Where exportfs and rpc.mountd keep what is exported. */
const TABLE = '/var/lib/nfs/etab';
const THREADS = '/proc/fs/nfsd/threads';

interface TableState {
  /** Lines of the table as they are: path, a tab, client and options in parentheses. */
  readonly lines: readonly string[];
  /** Threads of the kernel's server; undefined where it is not there at all. */
  readonly threads: number | undefined;
  /** Of rpc.mountd, without which no client is let in. */
  readonly mountd: string;
}

const REPEATED = ',sec=sys,(r[ow]),(in)?secure,';

/** Fails, and says how, where the table is not exactly these lines. The lines are sorted as `LC_ALL=C sort` does it. */
export function tableScript(lines: readonly string[]): Script {
  return sh`found=$(sed -E ${`s/${REPEATED}/,sec=sys,\\1,/`} ${TABLE} | sort)
[ "$found" = ${lines.join('\n')} ] || { printf 'the export table is not as it should be, but:\n%s\n' "$found" >&2; exit 1; }`;
}

/** `path client` and the options of a line. */
function splitLine(line: string): { readonly name: string; readonly options: string } {
  const [, path = line, client = '', options = ''] = /^(\S*)\s+([^(]*)\((.*)\)$/.exec(line) ?? [];
  return { name: `${path} to ${client}`, options };
}

function lineFields(wanted: readonly string[], found: readonly string[]): Field[] {
  const before = new Map(found.map(splitLine).map(({ name, options }) => [name, options]));
  const after = new Map(wanted.map(splitLine).map(({ name, options }) => [name, options]));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.map((name) => ({ name, from: before.get(name), to: after.get(name) }));
}

/**
 * What the running server really does: the export table that the kernel is told from, the number of threads, and
 * rpc.mountd. A file with a bad line loses what follows in it while `systemctl reload` ends with 0, and
 * `exportfs -u` or `rpc.nfsd 2` change it without any file: so it is looked at itself.
 */
export const exportTable = defineResource({
  type: 'nfs-exports',
  desired: t.object({
    lines: t.array(t.string(), { description: 'Lines of the table, sorted.' }),
    threads: t.integer({ minimum: 1, description: 'Threads of the kernel.' }),
  }),
  id: () => 'server',
  probe: () => sh`record 0
if command -v exportfs >/dev/null; then
  [ ! -e ${TABLE} ] || data table <${TABLE}
  [ ! -r ${THREADS} ] || field threads "$(cat ${THREADS})"
  field mountd "$(systemctl is-active nfs-mountd.service)"
else
  unknown_because 'there is no exportfs'
fi
end_record`,
  parse(record) {
    const threads = record.text('threads').trim();
    const lines = record.text('table').replaceAll(new RegExp(REPEATED, 'g'), ',sec=sys,$1,').split('\n');
    return known<TableState>({
      lines: lines.filter((line) => line.trim() !== '').toSorted(),
      threads: /^\d+$/.test(threads) ? Number(threads) : undefined,
      mountd: record.text('mountd').trim(),
    });
  },
  diff({ lines, threads }, state: TableState | undefined) {
    const table = lineFields(lines, state?.lines ?? []);
    const fields: Field[] = [
      ...table,
      { name: 'threads', from: state?.threads?.toString(), to: threads.toString() },
      { name: 'rpc.mountd', from: state?.mountd, to: 'active' },
    ];
    const isTaken = table.some(({ from, to }) => from !== undefined && from !== to);
    return difference(state === undefined ? 'create' : 'update', fields, {
      risk: isTaken ? 'reload' : 'none',
    });
  },
  // A server whose last thread was taken away has forgotten its versions and sockets as well: only a start brings them.
  apply: ({ lines, threads }) => ({
    script: sh`now=$(cat ${THREADS}) || exit 1
if [ "$now" = 0 ] || ! systemctl is-active -q nfs-mountd.service; then
  timeout -k 5 90 systemctl restart nfs-server.service || exit 1
  now=$(cat ${THREADS})
fi
exportfs -ra || exit 1
[ "$now" = ${threads} ] || rpc.nfsd ${threads} || exit 1
${tableScript(lines)}`,
  }),
  // Whatever is found, afterwards it holds exactly these lines; the server's own start or reload may have come before.
  covers: () => true,
  whole: ({ lines, threads }) => ({
    action: 'create',
    fields: [...lineFields(lines, []), { name: 'threads', from: undefined, to: threads.toString() }],
    ...{ texts: [], risk: 'none', notes: [] },
  }),
  // The server that it belongs to is stopped, and that empties it.
  remove: () => ({ kind: 'gone' }),
});
