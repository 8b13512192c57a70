import type { Field } from 'farmctl';
import { type Destination, shownDestination, shownKey, shownService, type Table, type TableService } from './table.ts';

/** A real server as it shall be listed. */
export interface WantedDestination extends Destination {
  /** The host's name. */
  readonly name: string;
  /** `10.77.0.21:80`. */
  readonly destination: string;
}

/** An entry of the table as it shall be. */
export interface WantedService extends Omit<TableService, 'destinations'> {
  readonly name: string;
  readonly key: string;
  readonly quiescent: boolean;
  /** Who answers while no real server is listed, `127.0.0.1:80`; '' for nobody. */
  readonly fallback: string;
  readonly destinations: readonly WantedDestination[];
}

/** What is known of a real server that is not listed, or listed with weight 0, besides that. */
export type Absence = 'passes' | 'fails' | 'maintenance';

/** One difference between the table and what is wanted. */
export interface Edit {
  readonly field: Field;
  /** Words for ipvsadm; where it fails and there are `otherwise`, those. */
  readonly words: readonly string[];
  readonly otherwise?: readonly string[];
  /** Somebody may lose connections. */
  readonly isGrave: boolean;
}

function serviceWords(key: string, { scheduler, persistence }: Omit<TableService, 'destinations'>): readonly string[] {
  const [seconds = '', mask] = persistence.split(' ');
  return [
    ...key.split(' '),
    ...['-s', scheduler],
    ...(seconds === '' ? [] : ['-p', seconds]),
    ...(mask === undefined ? [] : ['-M', mask]),
  ];
}

function destinationWords(key: string, { destination, method, weight }: WantedDestination): readonly string[] {
  return [...key.split(' '), '-r', destination, method, '-w', String(weight)];
}

/** True where a failing server is as it should be: taken out, or of a quiescent service listed with weight 0. */
function isTakenOut(wanted: WantedService, found: Destination | undefined): boolean {
  return found === undefined || (wanted.quiescent && found.weight === 0);
}

function destinationEdits(
  wanted: WantedService,
  found: TableService | undefined,
  absence: (key: string, destination: string) => Absence | undefined,
): Edit[] {
  const { key, name } = wanted;
  const edits: Edit[] = [];
  for (const one of wanted.destinations) {
    const there = found?.destinations.get(one.destination);
    const isOut = isTakenOut(wanted, there) && one.weight !== there?.weight;
    if (isOut && absence(key, one.destination) !== 'passes') continue;
    const from = there === undefined ? 'missing' : shownDestination(there);
    const to = shownDestination(one);
    if (from === to) continue;
    const words = destinationWords(key, one);
    edits.push({
      field: { name: `${name} ${shownKey(key)} ${one.name} ${one.destination}`, from, to },
      words: [there === undefined ? '-a' : '-e', ...words],
      otherwise: [there === undefined ? '-e' : '-a', ...words],
      isGrave: false,
    });
  }
  const known = new Set(wanted.destinations.map((one) => one.destination));
  // The fallback server is listed exactly while no other one gets connections.
  const isAlone = ![...(found?.destinations ?? [])].some(([one, { weight }]) => known.has(one) && weight > 0);
  for (const [destination, there] of found?.destinations ?? []) {
    if (known.has(destination) || (destination === wanted.fallback && isAlone)) continue;
    edits.push({
      field: { name: `${name} ${shownKey(key)} ${destination}`, from: shownDestination(there), to: undefined },
      words: ['-d', ...key.split(' '), '-r', destination],
      isGrave: true,
    });
  }
  return edits;
}

/** What must be done to the table, services first. Pure. */
export function tableEdits(
  services: readonly WantedService[],
  table: Table,
  absence: (key: string, destination: string) => Absence | undefined,
): readonly Edit[] {
  const edits = services.flatMap((wanted) => {
    const found = table.get(wanted.key);
    const from = found === undefined ? 'missing' : shownService(found);
    const to = shownService(wanted);
    const words = serviceWords(wanted.key, wanted);
    const own: Edit = {
      field: { name: `${wanted.name} ${shownKey(wanted.key)}`, from, to },
      words: [found === undefined ? '-A' : '-E', ...words],
      otherwise: [found === undefined ? '-E' : '-A', ...words],
      isGrave: false,
    };
    return [...(from === to ? [] : [own]), ...destinationEdits(wanted, found, absence)];
  });
  const known = new Set(services.map(({ key }) => key));
  const foreign = [...table].filter(([key]) => !known.has(key));
  return [
    ...edits,
    ...foreign.map(
      ([key, found]): Edit => ({
        field: { name: shownKey(key), from: shownService(found), to: undefined },
        words: ['-D', ...key.split(' ')],
        isGrave: true,
      }),
    ),
  ];
}

/** Servers that are out of the table although they are wanted, and why that is no drift: sentences. */
export function absences(
  services: readonly WantedService[],
  table: Table,
  absence: (key: string, destination: string) => Absence | undefined,
): readonly string[] {
  return services.flatMap((wanted) =>
    wanted.destinations.flatMap(({ name, destination, weight }) => {
      const there = table.get(wanted.key)?.destinations.get(destination);
      const why = absence(wanted.key, destination);
      if (!isTakenOut(wanted, there) || weight === there?.weight || why === undefined || why === 'passes') return [];
      const reason = why === 'maintenance' ? 'it is in maintenance' : 'it fails its check';
      return [`${name} (${destination}) is out of service ${wanted.name}: ${reason}.`];
    }),
  );
}
