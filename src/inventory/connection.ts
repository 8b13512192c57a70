import { resolve } from 'node:path';
import type { BecomeSettings, SshSettings } from '../model/farm.ts';
import { Secret } from '../model/secret.ts';
import { isMap } from './merge.ts';
import { rememberSpot, spotOf } from './origin.ts';
import { type LevelMap, type Settings, stackLevels, winners } from './settings.ts';

/** How a host is reached and as whom commands run, with the levels that say so. */
export interface Connection {
  readonly ssh: SshSettings;
  readonly become: BecomeSettings;
  readonly sshSettings: Settings;
  readonly becomeSettings: Settings;
}

/** What one level says of `ssh` and `become`. */
export interface ConnectionLevel {
  readonly ssh: readonly LevelMap[];
  readonly become: readonly LevelMap[];
}

/** Reads `ssh` and `become` of the farm, a tier or a host. Paths start from the file that says them. */
export function connectionLevel(
  level: LevelMap['level'],
  holder: Readonly<Record<string, unknown>>,
  home: string | undefined,
): ConnectionLevel {
  const { ssh, become } = holder;
  if (isMap(ssh)) resolveKeyPath(ssh, home);
  const becomeMap = isMap(become) ? become : typeof become === 'boolean' ? enabledMap(become, holder) : undefined;
  return {
    ssh: isMap(ssh) ? [{ level, written: ssh }] : [],
    become: becomeMap === undefined ? [] : [{ level, written: becomeMap }],
  };
}

/** The inner level wins, key by key. */
export function stackConnection(levels: readonly ConnectionLevel[]): Connection {
  const sshSettings = stackLevels(levels.flatMap((one) => one.ssh));
  const becomeSettings = stackLevels(levels.flatMap((one) => one.become));
  return {
    ssh: sshOf(winners(sshSettings)),
    become: becomeOf(winners(becomeSettings)),
    sshSettings,
    becomeSettings,
  };
}

function resolveKeyPath(ssh: Record<string, unknown>, home: string | undefined): void {
  const { private_key: path } = ssh;
  if (typeof path !== 'string') return;
  const folderPath = spotOf(ssh, 'private_key')?.source.folderPath;
  if (path.startsWith('~/') && home !== undefined) ssh['private_key'] = resolve(home, path.slice(2));
  else if (!path.startsWith('~') && folderPath !== undefined) ssh['private_key'] = resolve(folderPath, path);
}

/** `become: true` is short for `become: { enabled: true }`. */
function enabledMap(enabled: boolean, holder: object): Record<string, unknown> {
  const map = { enabled };
  const spot = spotOf(holder, 'become');
  if (spot !== undefined) rememberSpot(map, 'enabled', spot);
  return map;
}

function sshOf(values: Readonly<Record<string, unknown>>): SshSettings {
  const { address, port, user, private_key, jump, host_keys, accept_new, ssh_config } = values;
  const jumps = typeof jump === 'string' ? [jump] : texts(jump);
  const hostKeys = texts(host_keys);
  return Object.freeze({
    ...(typeof address === 'string' && { address }),
    ...(typeof port === 'number' && { port }),
    ...(typeof user === 'string' && { user }),
    ...(typeof private_key === 'string' && { privateKey: private_key }),
    ...(jumps !== undefined && { jump: jumps }),
    ...(hostKeys !== undefined && { hostKeys }),
    ...(typeof accept_new === 'boolean' && { acceptNew: accept_new }),
    ...(typeof ssh_config === 'boolean' && { sshConfig: ssh_config }),
  });
}

function becomeOf({ enabled, user, password }: Readonly<Record<string, unknown>>): BecomeSettings {
  return Object.freeze({
    ...(typeof enabled === 'boolean' && { enabled }),
    ...(typeof user === 'string' && { user }),
    ...(password instanceof Secret && { password }),
  });
}

function texts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((one): one is string => typeof one === 'string');
}
