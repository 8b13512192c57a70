import type { Endpoint } from './endpoint.ts';

/** What OpenSSH's client must be told beside the endpoint. */
export interface ClientSettings {
  /** As `ssh -F`; the user's and the system's files where absent. */
  readonly configFile: string | undefined;
  /** Instead of those that the configuration names. */
  readonly knownHostsFile: string | undefined;
  /** A known_hosts file that holds the pinned keys alone, under PINNED_NAME; absent: nothing is pinned. */
  readonly pinnedFile: string | undefined;
  readonly controlPath: string;
  /** The control socket of the jump host's client, if there is a jump host. */
  readonly over: string | undefined;
  /** False: nobody answers questions. */
  readonly mayAsk: boolean;
  readonly keepaliveMs: number;
  /** Shell text that ssh runs on this machine once it is logged in. */
  readonly onLogin: string;
}

/** The name of the host in a file with pinned keys. */
export const PINNED_NAME = 'farmctl-pinned';

/** ssh expands `%` in this option. */
const escaped = (text: string) => text.replaceAll('%', '%%');

/** ssh reads option values like lines of its configuration. */
const written = (path: string) => (/[\s"#]/.test(path) ? `"${path}"` : path);

/** Options `-o`, in order. */
function options(settings: Readonly<Record<string, string | number | undefined>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : ['-o', `${key}=${value}`]));
}

/** Which configuration and which address: the part that `ssh -G` was asked too. */
function destination(endpoint: Endpoint, { configFile, over }: ClientSettings): string[] {
  const { asked, usesConfig } = endpoint;
  const file = usesConfig ? configFile : 'none';
  const proxy =
    over !== undefined
      ? `exec ssh -F none -o ControlMaster=no -o ProxyCommand=false -o LogLevel=ERROR -S ${escaped(over)} -W [%h]:%p -- hop`
      : asked.jump !== undefined || !usesConfig
        ? 'none'
        : undefined;
  return [
    ...(file === undefined ? [] : ['-F', file]),
    // What comes first wins: these are before anything that the configuration says.
    ...options({
      HostName: asked.hostName,
      Port: usesConfig ? asked.port : endpoint.port,
      User: usesConfig ? asked.user : endpoint.user,
      ProxyCommand: proxy,
    }),
  ];
}

function hostKeys({ pinnedFile, knownHostsFile }: ClientSettings): string[] {
  if (pinnedFile !== undefined) {
    return options({
      HostKeyAlias: PINNED_NAME,
      UserKnownHostsFile: written(pinnedFile),
      GlobalKnownHostsFile: 'none',
      KnownHostsCommand: 'none',
      VerifyHostKeyDNS: 'no',
    });
  }
  if (knownHostsFile === undefined) return [];
  return options({ UserKnownHostsFile: written(knownHostsFile), GlobalKnownHostsFile: 'none' });
}

/** What no configuration may switch on: side effects, and all that would stand in the way of a silent client. */
function silence(): Readonly<Record<string, string>> {
  return {
    UpdateHostKeys: 'no',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    Tunnel: 'no',
    RemoteCommand: 'none',
    VisualHostKey: 'no',
    AddKeysToAgent: 'no',
    ControlPersist: 'no',
    LogLevel: 'DEBUG1',
  };
}

/** The client that logs in and then waits for sessions on its control socket; it opens none itself. */
export function masterArguments(endpoint: Endpoint, settings: ClientSettings): string[] {
  return [
    '-N',
    '-T',
    ...destination(endpoint, settings),
    ...(endpoint.privateKey === undefined ? [] : ['-i', endpoint.privateKey]),
    ...hostKeys(settings),
    ...options({
      // Never less than this, whatever the configuration says; new keys are taken by us alone.
      StrictHostKeyChecking: 'yes',
      BatchMode: settings.mayAsk ? 'no' : 'yes',
      // What is answered is right, or wrong for good: a password must not be sent again, nor an empty one after it.
      NumberOfPasswordPrompts: 1,
      ControlMaster: 'yes',
      ControlPath: escaped(settings.controlPath),
      PermitLocalCommand: 'yes',
      LocalCommand: settings.onLogin,
      ServerAliveInterval: Math.max(1, Math.round(settings.keepaliveMs / 1000)),
      ServerAliveCountMax: 3,
      ...silence(),
    }),
    '--',
    endpoint.asked.destination,
  ];
}

/** A client that lets the host show its key, writes it to a file of its own and goes before any login. */
export function scanArguments(
  endpoint: Endpoint,
  settings: ClientSettings,
  { scanFile, algorithms }: { readonly scanFile: string; readonly algorithms: readonly string[] },
): string[] {
  return [
    '-N',
    '-T',
    ...destination(endpoint, settings),
    ...options({
      UserKnownHostsFile: written(scanFile),
      GlobalKnownHostsFile: 'none',
      KnownHostsCommand: 'none',
      VerifyHostKeyDNS: 'no',
      HashKnownHosts: 'no',
      HostKeyAlgorithms: algorithms.join(','),
      StrictHostKeyChecking: 'accept-new',
      BatchMode: 'yes',
      // No method of login at all.
      PreferredAuthentications: 'none',
      ControlPath: 'none',
      ControlMaster: 'no',
      ...silence(),
    }),
    '--',
    endpoint.asked.destination,
  ];
}

/** A client of the control socket alone: where that is gone it must not log in anew. */
function viaSocket(controlPath: string): string[] {
  return ['-F', 'none', '-o', 'ControlMaster=no', '-o', 'ProxyCommand=false', '-S', escaped(controlPath)];
}

export function sessionArguments(controlPath: string, command: string): string[] {
  return ['-T', ...viaSocket(controlPath), '-o', 'LogLevel=ERROR', '--', 'host', command];
}

export function forwardArguments(controlPath: string, address: string, port: number): string[] {
  const target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return [...viaSocket(controlPath), '-o', 'LogLevel=DEBUG1', '-W', target, '--', 'host'];
}

/** A known_hosts file for the pinned keys; revoked ones stay revoked. */
export function pinnedLines(pinned: readonly string[], revoked: readonly string[]): string {
  const lines = [
    ...pinned.map((pin) => `${PINNED_NAME} ${pin.trim()}`),
    ...revoked.map((key) => `@revoked ${PINNED_NAME} ${key}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
