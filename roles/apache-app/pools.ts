import {
  type Content,
  file,
  ownedDirectory,
  type Resource,
  type RoleContext,
  type Script,
  type Secret,
  type Static,
  service,
  sh,
  t,
  text,
} from 'farmctl';
import { afterMounts } from '../_shared/apache/server.ts';
import type { DocrootMounts } from '../_shared/apache/sites.ts';
import { shortName } from '../_shared/apache/variables.ts';

const ENVIRONMENT_NAME = '^[A-Za-z_][A-Za-z0-9_]*$';

/** One PHP-FPM pool: processes of their own, reached through a socket of their own. */
export const poolVariables = t.object({
  name: shortName({ description: 'Name of the pool and its socket, /run/php/NAME.sock.' }),
  pm: t.enum(['static', 'dynamic', 'ondemand'], {
    default: 'static',
    description: 'When processes are started: all at once, as needed with spare ones, or only when asked.',
  }),
  maxChildren: t.integer({ default: 8, minimum: 1, maximum: 10_000, description: 'Requests served at a time.' }),
  startServers: t.integer({
    default: 2,
    minimum: 1,
    maximum: 10_000,
    description: 'With `dynamic`: processes at start.',
  }),
  minSpare: t.integer({ default: 1, minimum: 1, maximum: 10_000, description: 'With `dynamic`: idle ones at least.' }),
  maxSpare: t.integer({ default: 3, minimum: 1, maximum: 10_000, description: 'With `dynamic`: idle ones at most.' }),
  maxRequests: t.integer({
    default: 1000,
    minimum: 0,
    maximum: 10_000_000,
    description: 'Requests after which a process is replaced; 0: never.',
  }),
  terminateTimeout: t.integer({
    default: 30,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds after which a request is ended. Apache waits as long for the answer.',
  }),
  memoryLimit: t.string({ default: '64M', pattern: '^[1-9][0-9]*[KMG]?$', description: 'Memory of one request.' }),
  backlog: t.integer({ default: 1024, minimum: 1, maximum: 65_535, description: 'Requests that wait for a process.' }),
  user: t.string({ default: 'www-data', pattern: '^[a-z_][a-z0-9_-]{0,31}$', description: 'Who runs the scripts.' }),
  group: t.string({ default: 'www-data', pattern: '^[a-z_][a-z0-9_-]{0,31}$', description: 'Their group.' }),
  env: t.record(t.string({ pattern: ENVIRONMENT_NAME }), t.string({ pattern: "^[^'\\r\\n\\u0000]*$" }), {
    default: {},
    additionalProperties: false,
    description: 'Environment of the scripts.',
  }),
  secretEnv: t.record(t.string({ pattern: ENVIRONMENT_NAME }), t.secret(), {
    default: {},
    additionalProperties: false,
    description:
      'Environment of the scripts that nobody else may see, one line without single quotes: `!file` or `!env`.',
  }),
  phpValues: t.record(
    t.string({ pattern: '^[a-z][a-zA-Z0-9_.]*$' }),
    t.union([t.string({ pattern: "^[^'\\r\\n\\u0000]*$" }), t.number(), t.boolean()]),
    { default: {}, additionalProperties: false, description: 'Settings of php.ini that scripts cannot change.' },
  ),
});

type Pool = Static<typeof poolVariables>;

/** Refuses what PHP-FPM would refuse at its start, and two pools of one name. */
export function checkPools(pools: readonly Pool[], reject: RoleContext<unknown>['reject']): void {
  const names = new Set<string>();
  for (const [index, pool] of pools.entries()) {
    const { name, pm, startServers, minSpare, maxSpare, maxChildren } = pool;
    if (names.has(name)) reject(['pools', index, 'name'], `Two pools have the name "${name}".`);
    names.add(name);
    const twice = Object.keys(pool.env).find((key) => key in pool.secretEnv);
    if (twice !== undefined)
      reject(['pools', index, 'env', twice], `The pool ${name} has ${twice} in env and in secretEnv.`);
    if (pm !== 'dynamic') continue;
    const rising = minSpare <= startServers && startServers <= maxSpare && maxSpare <= maxChildren;
    if (rising) continue;
    const detail = `The pool ${name} has minSpare ${minSpare}, startServers ${startServers}, maxSpare ${maxSpare} and maxChildren ${maxChildren}.`;
    reject(['pools', index], detail, 'With pm: dynamic none of them may be less than the one before it.');
  }
}

/** `true` is 1 to PHP, `false` 0. */
function phpText(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : `${value}`;
}

function poolData(pool: Pool, word: string) {
  const values: readonly (readonly [string, string | Secret])[] = [
    ...Object.entries(pool.env),
    ...Object.entries(pool.secretEnv),
  ];
  const named = <T>([name, value]: readonly [string, T]) => ({ name, value });
  return {
    ...pool,
    isDynamic: pool.pm === 'dynamic',
    word,
    env: values.map(named).sort((a, b) => (a.name < b.name ? -1 : 1)),
    phpValues: Object.entries(pool.phpValues).map(([name, value]) => ({ name, value: phpText(value) })),
  };
}

/** Asks a pool through its socket, as Apache does, for its ping page: exits with 0 if that says the word. */
const PING = `
$socket = @stream_socket_client('unix://' . $argv[1], $number, $reason, 5);
if ($socket === false) { fwrite(STDERR, "$argv[1]: $reason\\n"); exit(1); }
stream_set_timeout($socket, 5);
$parameters = '';
foreach (['SCRIPT_NAME' => '/fpm-ping', 'SCRIPT_FILENAME' => '/fpm-ping', 'REQUEST_METHOD' => 'GET'] as $name => $value)
  $parameters .= chr(strlen($name)) . chr(strlen($value)) . $name . $value;
$record = fn($type, $body) => pack('CCnnCx', 1, $type, 1, strlen($body), 0) . $body;
fwrite($socket, $record(1, pack('nCx5', 1, 0)) . $record(4, $parameters) . $record(4, '') . $record(5, ''));
exit(strpos((string) stream_get_contents($socket), "\\n" . $argv[2]) === false ? 1 : 0);
`;

/** The proof that each pool runs on this set: its ping page says the word of the set. */
function verifyScript(version: string, unit: string, pools: readonly Pool[], word: string, seconds: number): Script {
  const sockets = pools.map(({ name }) => `/run/php/${name}.sock`);
  return sh`i=0
for socket in ${sockets}; do
  until systemctl is-active -q ${unit} && ${`/usr/bin/php${version}`} -n -r ${PING} -- "$socket" ${word}; do
    i=$((i + 1))
    [ "$i" -lt ${seconds * 2} ] || { printf 'the pool at %s does not run on the new configuration\n' "$socket" >&2; exit 1; }
    sleep 0.5
  done
done`;
}

/** PHP-FPM with exactly these pools. The package's own pool, `www`, is none of them. */
export function phpFpm(
  { variables, render }: Pick<RoleContext<{ pools: readonly Pool[]; controlTimeout: number }>, 'variables' | 'render'>,
  version: string,
  mounts: DocrootMounts,
): Resource {
  const { pools, controlTimeout } = variables;
  const unit = `php${version}-fpm.service`;
  const directory = `/etc/php/${version}/fpm/pool.d`;
  const main = render('php-fpm.conf.hbs', { version, controlTimeout });
  const poolFile = (pool: Pool, word: string): Content => render('pool.conf.hbs', poolData(pool, word));
  const word = text([main, ...pools.map((pool) => poolFile(pool, ''))].map(({ masked }) => masked).join('\n')).digest;
  const files = pools.map((pool) => {
    const content = poolFile(pool, word.slice(0, 16));
    const mode = Object.keys(pool.secretEnv).length > 0 ? '0600' : '0644';
    return file({ path: `${directory}/${pool.name}.conf`, content, mode });
  });
  const configuration = `/etc/php/${version}/fpm/php-fpm.conf`;
  const checker = `/usr/sbin/php-fpm${version}`;
  return service({
    unit,
    enabled: true,
    active: true,
    config: [
      file({ path: configuration, content: main }),
      ownedDirectory({ path: directory, entries: files }),
      ...afterMounts(unit, mounts),
    ],
    validate: sh`${checker} -t -y ${configuration}`,
    checkers: [checker],
    verify: verifyScript(version, unit, pools, word.slice(0, 16), controlTimeout + 15),
  });
}
