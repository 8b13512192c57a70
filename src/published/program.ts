import { join } from 'node:path';
import { ownCacheFolder } from '../cli/cache-folder.ts';
import { COMMANDS } from '../cli/command-names.ts';
import { runCompiled } from './compiled-script.ts';

/** The name of the script with all of farmctl, which the build puts here. It changes with its content. */
declare const FARMCTL_SCRIPT: string;

const cache = ownCacheFolder(process.env);
const purpose = process.argv.slice(2).find((word) => COMMANDS.includes(word)) ?? 'other';
const script = runCompiled(
  join(import.meta.dirname, FARMCTL_SCRIPT),
  cache === undefined ? undefined : { folder: join(cache, 'script'), purpose },
);
const farmctl = script.exports as typeof import('./script.ts');
farmctl.importModulesBy((url) => import(url));

/** For the next start: see `CompiledScript`. */
export const { keep } = script;
export const { main, processTerminal, api } = farmctl;
