interface Run {
  readonly stem: string;
  readonly tail: string;
  readonly first: string;
  last: string;
  length: number;
}

/**
 * Names of hosts in short, as `-l` takes them: `app[1:12],app15,ns1`. Numbers that count along become a range, those
 * with leading zeros keep them. The order is kept; not more than `most` ranges and names are written, the rest is counted.
 */
export function hostList(hosts: readonly string[], most = 12): string {
  const runs: Run[] = [];
  for (const host of hosts) {
    const [, stem = '', digits = '', tail = ''] = /^(.*?)(\d+)(\D*)$/.exec(host) ?? ['', host, '', ''];
    const previous = runs.at(-1);
    if (previous !== undefined && follows(previous, stem, digits, tail)) {
      previous.last = digits;
      previous.length++;
    } else {
      runs.push({ stem, tail, first: digits, last: digits, length: 1 });
    }
  }
  const shown = runs.slice(0, most).map(writeRun);
  const hidden = runs.slice(most).reduce((sum, run) => sum + run.length, 0);
  return hidden === 0 ? shown.join(',') : `${shown.join(',')} and ${hidden} more`;
}

function follows(run: Run, stem: string, digits: string, tail: string): boolean {
  if (run.stem !== stem || run.tail !== tail || digits === '' || run.last === '') return false;
  const next = String(Number(run.last) + 1);
  const isPadded = run.first.startsWith('0') && run.first.length > 1;
  return digits === (isPadded ? next.padStart(run.first.length, '0') : next);
}

function writeRun({ stem, tail, first, last, length }: Run): string {
  return length === 1 ? `${stem}${first}${tail}` : `${stem}[${first}:${last}]${tail}`;
}

/** A name per line: for `--list-hosts`. */
export function renderHostNames(hosts: readonly string[]): string {
  return hosts.map((host) => `${host}\n`).join('');
}
