import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/lib/digest.ts';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { type AptSources, neededSettings, sourcesFor } from './apt-sources.ts';
import { cgroup, inside, makeCgroup, removeCgroup } from './cgroup.ts';
import { must } from './command.ts';
import { isThere } from './files.ts';
import type { Degree } from './host.ts';
import { BLANK_PACKAGES, BLANK_SETUP, CODENAMES, type Layer, layersOf } from './image-recipe.ts';
import { withLock } from './lock.ts';
import type { StatePaths } from './paths.ts';
import { labNames, readRecord } from './record.ts';
import { ensureRelay } from './relay.ts';

/** A process of ours that mounts for itself: what it leaves mounted is gone with it. */
const PRIVATE_MOUNTS = ['unshare', '--mount', '--propagation', 'private'];

/** Finished images appear under their own name by one rename. */
const UNFINISHED = 'unfinished';

const BUILD_TIMEOUT_MS = 900_000;

/** Where an image's packages come from. */
interface Origin {
  readonly codename: string;
  readonly sources: AptSources;
  /** Lines for apt.conf. */
  readonly settings: readonly string[];
}

/**
 * Makes the layers of an image that are not there yet. They are known by the digest of their recipe: a changed recipe
 * makes a new one.
 * @returns the folders of the layers, the lowest first
 */
export async function ensureImage(
  state: StatePaths,
  os: string,
  degree: Degree,
  say: (line: string) => void,
): Promise<readonly string[]> {
  return withLock(imagesLock(state), async () => {
    const origin = await originOf(os);
    const folders: string[] = [];
    let digest = sha256(JSON.stringify([os, origin.sources, origin.settings]));
    for (const layer of layersOf(degree)) {
      digest = sha256(JSON.stringify([digest, layer]));
      const folder = join(state.images, `${os}-${layer.degree}-${digest.slice(0, 12)}`);
      if (!(await isThere(folder))) {
        say(
          `building the ${layer.degree} image of ${os} (once; ${layer.degree === 'blank' ? 'about 30 s' : 'a minute'})`,
        );
        const started = performance.now();
        await build(state, layer, origin, folders, folder, await ensureRelay(state));
        await removeOutdated(state, `${os}-${layer.degree}-`, folder);
        say(`built ${folder} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
      }
      folders.push(folder);
    }
    return folders;
  });
}

/** The lock that is held while an image is made. */
export function imagesLock(state: StatePaths): string {
  return join(state.root, 'images.lock');
}

async function originOf(os: string): Promise<Origin> {
  const codename = CODENAMES[os];
  if (codename === undefined) {
    throw new FarmError(
      problem('lab/unknown-system', 'A system that the lab cannot make', `The lab has no image of "${os}".`, {
        hint: `It can make ${Object.keys(CODENAMES).join(' and ')}.`,
      }),
    );
  }
  const sources = sourcesFor(codename, await machineSources());
  if (sources.text === '') {
    throw new FarmError(
      problem(
        'lab/no-sources',
        'No source of packages',
        `apt on this machine has no sources for ${os} (${codename}).`,
        {
          hint: `Name a file with such sources in FARMCTL_LAB_SOURCES (deb822 format, its name ending in .sources).`,
        },
      ),
    );
  }
  return { codename, sources, settings: neededSettings(await must(['apt-config', 'dump'])) };
}

async function machineSources(): Promise<ReadonlyArray<{ name: string; content: string }>> {
  const named = process.env['FARMCTL_LAB_SOURCES'];
  if (named !== undefined) return [{ name: named, content: await readFile(named, 'utf8') }];
  const parts = '/etc/apt/sources.list.d';
  const names = (await isThere(parts)) ? (await readdir(parts)).filter((one) => /\.(list|sources)$/.test(one)) : [];
  const paths = names.sort().map((one) => join(parts, one));
  if (await isThere('/etc/apt/sources.list')) paths.unshift('/etc/apt/sources.list');
  return Promise.all(paths.map(async (name) => ({ name, content: await readFile(name, 'utf8') })));
}

/** Builds beside the images and renames. A build's processes are in a group of their own, for the next one to end. */
async function build(
  state: StatePaths,
  layer: Layer,
  origin: Origin,
  below: readonly string[],
  folder: string,
  proxy: string,
): Promise<void> {
  await inBuild(state, async (prefix, place) => {
    if (layer.degree === 'blank') await buildBlank(prefix, place, origin, proxy);
    else await buildLayer(prefix, place, layer, below, proxy);
    await rename(join(place, 'upper'), folder);
  });
}

/**
 * Runs a build in a folder of its own, which is empty before and removed after it. The images' lock must be held.
 * @param task gets the words in front of each of its commands, and the folder
 */
export async function inBuild(
  state: StatePaths,
  task: (prefix: readonly string[], place: string) => Promise<void>,
): Promise<void> {
  await removeUnfinished(state);
  const group = await cgroup(`build-${state.mark}`);
  await makeCgroup(group);
  const place = join(state.images, UNFINISHED);
  await mkdir(place, { recursive: true });
  try {
    await task([...inside(group), ...PRIVATE_MOUNTS], place);
  } finally {
    await removeUnfinished(state);
  }
}

async function buildBlank(prefix: readonly string[], place: string, origin: Origin, proxy: string): Promise<void> {
  const sources = join(place, 'lab.sources');
  await writeFile(sources, origin.sources.text);
  const root = join(place, 'upper');
  const options = [
    '--quiet',
    '--variant=minbase',
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    // With the lists in the image a host need not fetch them before its first installation.
    '--skip=cleanup/apt/lists',
    ...origin.settings.map((line) => `--aptopt=${line}`),
    `--aptopt=Acquire::http::Proxy "${proxy}"`,
    '--aptopt=Acquire::Languages "none"',
    `--include=${BLANK_PACKAGES.join(',')}`,
  ];
  const env = { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  await must([...prefix, 'mmdebstrap', ...options, origin.codename, root, sources], {
    env,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  await rm(join(root, 'etc/apt/apt.conf.d/99mmdebstrap'), { force: true });
  for (const keyring of origin.sources.keyrings) {
    if (await isThere(join(root, keyring))) continue;
    await mkdir(join(root, dirname(keyring)), { recursive: true });
    await writeFile(join(root, keyring), await readFile(keyring));
  }
  await must([...prefix, 'sh', '-c', BLANK_SETUP, 'sh', root, origin.settings.join('\n')], { env });
}

async function buildLayer(
  prefix: readonly string[],
  place: string,
  layer: Layer,
  below: readonly string[],
  proxy: string,
): Promise<void> {
  for (const name of ['upper', 'work', 'root']) await mkdir(join(place, name));
  const proxyFile = 'etc/apt/apt.conf.d/95lab-proxy';
  const script = `set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=755 lab /run/systemd/nspawn
printf 'Acquire::http::Proxy "%s";\\n' "$3" >"$2/root/${proxyFile}"
systemd-nspawn -q -D "$2/root" -M farmctl-build --register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no \\
  --console=pipe --as-pid2 sh -c "$4" </dev/null
rm "$2/root/${proxyFile}"`;
  const lower = [...below].reverse().join(':');
  await must([...prefix, 'sh', '-c', script, 'sh', lower, place, proxy, layer.setup], { timeoutMs: BUILD_TIMEOUT_MS });
}

/** Removes images of earlier recipes that no lab is up on. */
export async function removeOutdated(state: StatePaths, prefix: string, current: string): Promise<void> {
  const used = new Set<string>([current]);
  for (const lab of await labNames(state)) {
    for (const host of (await readRecord(state, lab))?.hosts ?? []) for (const layer of host.layers) used.add(layer);
  }
  for (const name of await readdir(state.images)) {
    const folder = join(state.images, name);
    if (name.startsWith(prefix) && !used.has(folder)) await rm(folder, { recursive: true, force: true });
  }
}

/** Ends what a killed command has left of a build; a build of a living one goes on. */
export async function endBuild(state: StatePaths): Promise<void> {
  try {
    await withLock(imagesLock(state), async () => removeUnfinished(state), 1_000);
  } catch (error) {
    if (!(error instanceof FarmError && error.diagnostics.some((one) => one.code === 'lab/locked'))) throw error;
  }
}

async function removeUnfinished(state: StatePaths): Promise<void> {
  await removeCgroup(await cgroup(`build-${state.mark}`));
  await rm(join(state.images, UNFINISHED), { recursive: true, force: true });
}

/** Removes all images and what a crash left of a build. No host may be up on them. */
export async function removeImages(state: StatePaths): Promise<void> {
  await withLock(imagesLock(state), async () => {
    await removeUnfinished(state);
    await rm(state.images, { recursive: true, force: true });
  });
}
