import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { cgroupMounts } from './cgroup.ts';
import { isErrno, must } from './command.ts';
import { isThere } from './files.ts';

/** Debian packages that hold what the lab runs on the machine itself, and a command of each. */
const PACKAGES: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'systemd-container': 'systemd-nspawn',
  iproute2: 'ip',
  e2fsprogs: 'mkfs.ext4',
  'openssh-client': 'ssh',
  'apt-cacher-ng': 'apt-cacher-ng',
  socat: 'socat',
  'user-mode-linux': 'linux.uml',
};

/** Folders that hold system commands and that a user's PATH may lack. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

async function isInstalled(program: string): Promise<boolean> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_PATH];
  for (const folder of folders) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    }
  }
  return false;
}

async function missingPackages(wanted: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [name, program] of Object.entries(wanted)) if (!(await isInstalled(program))) missing.push(name);
  return missing;
}

function lacking(detail: string, hint: string): FarmError {
  return new FarmError(problem('lab/requirements', 'This machine cannot run the lab', detail, { hint }));
}

/**
 * What keeps the lab from running here whatever is installed.
 * @returns one sentence and what to do about it; undefined where nothing does
 */
async function obstacle(): Promise<{ readonly detail: string; readonly hint: string } | undefined> {
  if (process.platform !== 'linux') {
    return { detail: `The lab needs Linux; this is ${process.platform}.`, hint: 'Run it in a Linux virtual machine.' };
  }
  if (process.getuid?.() !== 0) {
    return {
      detail: 'The lab needs root, for containers and network namespaces.',
      hint: 'Run it as root or with sudo.',
    };
  }
  if ((await cgroupMounts()) === undefined) {
    return { detail: 'The lab needs control groups of version 2.', hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' };
  }
  if (!(await isInstalled('apt-get'))) {
    return { detail: 'The lab needs a Debian machine: there is no apt-get.', hint: 'Run it on Debian 12 or newer.' };
  }
  return undefined;
}

/**
 * Checks that the lab can run here, and with `install` installs the packages that it lacks.
 * @param more further packages with a command of each
 * @throws FarmError lab/requirements that names what is missing and the command that brings it
 */
export async function checkRequirements(
  install: boolean,
  say: (line: string) => void,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const found = await obstacle();
  if (found !== undefined) throw lacking(found.detail, found.hint);
  if (!/\boverlay\b/.test(await readFile('/proc/filesystems', 'utf8'))) await must(['modprobe', 'overlay']);
  const missing = await missingPackages({ ...PACKAGES, ...more });
  if (missing.length === 0) return;
  const installation = ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing];
  if (!install) {
    throw lacking(`Not installed: ${missing.join(', ')}.`, `${installation.join(' ')}   (--install does this)`);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const steps = [['apt-get', 'update', '--quiet'], installation];
  // Its package starts a relay of its own, open to the machine's network; the lab starts one on loopback.
  const startsRelay = missing.includes('apt-cacher-ng') && (await isThere('/run/systemd/system'));
  if (startsRelay) steps.push(['systemctl', 'disable', '--now', 'apt-cacher-ng.service']);
  for (const argv of steps) {
    say(`$ ${argv.join(' ')}`);
    await must(argv, { env, timeoutMs: 600_000 });
  }
}

/** @returns why tests that need the lab cannot run here, in one sentence; undefined where they can, once installed. */
export async function whyNoLab(): Promise<string | undefined> {
  return (await obstacle())?.detail;
}
