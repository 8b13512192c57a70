/** One way to damage a host. */
export interface Mutation {
  readonly name: string;
  /** Shell text that root runs on the host. It must really change what it names. */
  readonly script: string;
  /** The resources, `TYPE ID`, that drift shall report, and no others; none where the thing is not managed. */
  readonly found: readonly string[];
  /** Further resources that it would disturb if they were damaged at the same time. */
  readonly near?: readonly string[];
  /** Resources that may rightly be reported as well: whether a unit is enabled depends on its file. */
  readonly perhaps?: readonly string[];
  /** What must be true of the farm, in words, for it to be found: no other that `breaks` it comes at the same time. */
  readonly needs?: string;
  readonly breaks?: string;
}

/** What can be done to a regular file. */
const FILE_KINDS: Readonly<Record<string, (path: string) => string>> = {
  'content changed, size kept': (path) => `printf '\\000' | dd of=${path} conv=notrunc status=none`,
  'line appended': (path) => `echo more >>${path}`,
  'last byte cut': (path) => `truncate -s -1 ${path}`,
  emptied: (path) => `: >${path}`,
  'bytes that are no text': (path) => `printf '\\377\\376\\000' >${path}`,
  'mode wider': (path) => `chmod a+w ${path}`,
  'mode with set-user-ID': (path) => `chmod u+s ${path}`,
  owner: (path) => `chown games ${path}`,
  'owner without a name': (path) => `chown 54321 ${path}`,
  group: (path) => `chgrp games ${path}`,
  removed: (path) => `rm ${path}`,
  'a symlink to another file': (path) => `ln -sfT /etc/hostname ${path}`,
  'a symlink to a copy of itself': (path) => `cp -p ${path} /root/copy && ln -sfT /root/copy ${path}`,
  'a symlink to nothing': (path) => `ln -sfT /nonexistent ${path}`,
};

/** Everything that can be done to these files. @param files path, quoted for a shell, and the resource that it belongs to */
export function fileMutations(files: Readonly<Record<string, string>>): readonly Mutation[] {
  return Object.entries(files).flatMap(([path, resource]) =>
    Object.entries(FILE_KINDS).map(([kind, script]) => ({
      name: `${path}: ${kind}`,
      script: script(path),
      found: [resource],
    })),
  );
}
