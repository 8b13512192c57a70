import { readdir } from 'node:fs/promises';
import { down } from './down.ts';
import { isThere } from './files.ts';
import { statePaths } from './paths.ts';
import { checkRequirements, whyNoLab } from './requirements.ts';

/** What tests use beside the lab: a command and the package that holds it. */
const TEST_PACKAGES = { 'openssh-server': 'sshd', shellcheck: 'shellcheck', sudo: 'sudo' };

/** Takes down every lab that tests brought up; those of people have other names. */
async function downTestLabs(): Promise<void> {
  const state = statePaths();
  if (!(await isThere(state.labs))) return;
  for (const name of await readdir(state.labs)) if (name.startsWith('test')) await down(state, name);
}

/**
 * Before all tests: the machine has what they need. Where nobody else works on the machine (CI), no lab of a test is
 * left from before nor after; elsewhere each test file takes down its own, and another run's may be up.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if ((await whyNoLab()) !== undefined) return undefined;
  await checkRequirements(true, console.log, TEST_PACKAGES);
  if (process.env['CI'] === undefined) return undefined;
  await downTestLabs();
  return downTestLabs;
}
