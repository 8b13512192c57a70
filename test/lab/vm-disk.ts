import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../src/lib/digest.ts';
import { must } from './command.ts';
import { isThere } from './files.ts';
import type { Degree } from './host.ts';
import { ensureImage, imagesLock, inBuild, removeOutdated } from './image.ts';
import { withLock } from './lock.ts';
import type { StatePaths } from './paths.ts';

/** The kernels' modules, a folder for each version. */
const MODULES = '/usr/lib/uml/modules';

/** What a VM need not start: it has no udev, no terminals, no kernel features that User Mode Linux lacks. */
const MASKED = [
  'console-getty.service',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'getty.target',
  'kmod-static-nodes.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-journal-flush.service',
  'systemd-logind.service',
  'systemd-pstore.service',
  'systemd-random-seed.service',
  'systemd-sysusers.service',
  'systemd-tmpfiles-setup-dev.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  ...['configfs', 'dm_mod', 'drm', 'efi_pstore', 'fuse', 'loop'].map((name) => `modprobe@${name}.service`),
];

/** The program that a VM's kernel starts first. */
export const INIT = '/usr/local/sbin/lab-init';

/**
 * Run with the folder for the build as `$1`, the image's layers as overlay option `$2`, the kernel's version `$3`.
 * The second disk, an archive, brings what the host has beside its image: all of it before the first boot, its
 * addresses before each.
 */
const SETUP = `set -eu
place=$1
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "$2,upperdir=$place/upper,workdir=$place/work" "$place/root"
root=$place/root
mkdir -p "$root/lib/modules"
cp -a "${MODULES}/$3" "$root/lib/modules/"
echo '/dev/ubda / ext4 defaults,noatime 0 0' >"$root/etc/fstab"
cat >"$root${INIT}" <<'END'
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
modprobe ipv6
umount /proc
if ! [ -e /etc/lab-network ]; then
  tar -xf /dev/ubdb -C / --exclude=./etc/lab-network
  sync
fi
tar -xf /dev/ubdb -C / ./etc/lab-network
exec /sbin/init "$@"
END
chmod 755 "$root${INIT}"
systemctl -q --root="$root" mask ${MASKED.join(' ')}
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\\nStorage=volatile\\nRuntimeMaxUse=8M\\n' >"$root/etc/systemd/journald.conf.d/lab.conf"
truncate -s 4G "$place/disk"
mkfs.ext4 -q -J size=16 -E lazy_itable_init=0,nodiscard -d "$root" "$place/disk"
`;

async function kernelVersion(): Promise<string> {
  const [version] = (await readdir(MODULES)).sort().reverse();
  if (version === undefined) throw new Error(`${MODULES} is empty: the package user-mode-linux brings modules`);
  return version;
}

/**
 * Makes the disk of an image, a journalled ext4, where it is not there yet. VMs write beside it and never into it; a
 * changed recipe makes another.
 * @returns the path of the disk, alone
 */
export async function ensureDisk(
  state: StatePaths,
  os: string,
  degree: Degree,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const layers = await ensureImage(state, os, degree, say);
  return withLock(imagesLock(state), async () => {
    const version = await kernelVersion();
    const digest = sha256(JSON.stringify([layers, version, SETUP])).slice(0, 12);
    const disk = join(state.images, `${os}-${degree}-vm-${digest}.ext4`);
    if (await isThere(disk)) return [disk];
    say(`building the ${degree} disk of ${os} for VMs (once; about 10 s)`);
    await inBuild(state, async (prefix, place) => {
      const lower = `lowerdir=${[...layers].reverse().join(':')}`;
      await must([...prefix, 'sh', '-c', SETUP, 'sh', place, lower, version], { timeoutMs: 300_000 });
      await rename(join(place, 'disk'), disk);
    });
    await removeOutdated(state, `${os}-${degree}-vm-`, disk);
    return [disk];
  });
}
