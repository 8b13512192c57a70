/** The line that tells that the remote shell runs, as the right user. Everything before it is somebody's banner. */
export const READY = 'farmctl-ready';

/**
 * The only command that is ever started on a host. It holds no data, no backslash, no `!`, no newline and no quote but
 * the pair around it, so that every login shell (fish and csh too) reads it alike. It says that it is there and runs
 * the script whose length in bytes it reads first. `IFS=` and `set -f` keep that script one word without quotes.
 */
export const LOADER = `sh -c 'IFS=; set -f; echo ${READY}; read n; eval $(head -c $n)'`;
