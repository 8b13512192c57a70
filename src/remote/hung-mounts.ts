import { Script } from './sh.ts';

/** The longest that HUNG_MOUNTS may take. */
export const HUNG_MOUNTS_SECONDS = 4;

/**
 * Prints a frame `hung` with the mount points that do not answer, a line each. Mounts of the kernel's own are passed
 * over; the shell between makes that nobody waits for a process that cannot be killed.
 */
export const HUNG_MOUNTS = new Script(String.raw`frame hung
n=0
while read -r _ m t _; do
  case $t in proc | sysfs | tmpfs | ramfs | dev* | cgroup* | overlay | mqueue | bpf | pstore | security* | debugfs | tracefs | hugetlbfs | configfs | squashfs | efivarfs) continue ;; esac
  n=$((n + 1))
  [ $n -le 64 ] || break
  { timeout -k 1 ${HUNG_MOUNTS_SECONDS - 1} sh -c 'stat -f -- "$1"; :' sh "$(printf %b "$m")" >/dev/null 2>&1 </dev/null; [ $? -lt 124 ] || printf '%b\n' "$m" >&3; } &
done </proc/self/mounts
wait
frame .`);

/** The mount points in the payload of that frame. */
export function parseHungMounts(payload: Uint8Array): readonly string[] {
  return new TextDecoder()
    .decode(payload)
    .split('\n')
    .filter((line) => line !== '');
}
