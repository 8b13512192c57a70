import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { isErrno } from './command.ts';
import { replaceFile } from './files.ts';
import type { Degree, LabHost, LabNetwork } from './host.ts';
import { labPaths, type StatePaths } from './paths.ts';

/** A host as it was made. */
export interface HostRecord extends LabHost {
  readonly degree: Degree;
  /** Folders of its image, the lowest first. */
  readonly layers: readonly string[];
}

/** What the lab of a name was last brought up with. `down` does not need it. */
export interface LabRecord {
  readonly inventory: string;
  readonly networks: readonly LabNetwork[];
  readonly hosts: readonly HostRecord[];
}

/** A lab's name is part of those of its namespace, its devices and its groups. @throws FarmError lab/name */
export function checkLabName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,19}$/.test(name)) return name;
  throw new FarmError(
    problem('lab/name', 'Unusable name of a lab', `"${name}" cannot be a lab's name.`, {
      hint: 'Use at most 20 lower-case letters, digits and hyphens, a letter first.',
    }),
  );
}

/** @returns undefined where that lab is not up */
export async function readRecord(state: StatePaths, lab: string): Promise<LabRecord | undefined> {
  try {
    return JSON.parse(await readFile(labPaths(state, lab).record, 'utf8')) as LabRecord;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** @throws FarmError lab/not-up */
export async function requireRecord(state: StatePaths, lab: string): Promise<LabRecord> {
  const record = await readRecord(state, lab);
  if (record !== undefined) return record;
  throw new FarmError(
    problem('lab/not-up', 'The lab is not up', `There is no lab "${lab}" here.`, {
      hint: `npm run lab -- up inventories/demo.yaml --name ${lab}`,
    }),
  );
}

export async function writeRecord(state: StatePaths, lab: string, record: LabRecord): Promise<void> {
  const path = labPaths(state, lab).record;
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, `${JSON.stringify(record, undefined, 2)}\n`);
}

/** @returns the names of the labs that are up, or that a crash has left half made */
export async function labNames(state: StatePaths): Promise<readonly string[]> {
  try {
    return (await readdir(state.labs)).sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
