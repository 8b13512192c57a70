import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { ownCacheFolder } from './cli/cache-folder.ts';

// Before anything big is loaded. A folder of the user's own: the default is a shared one in /tmp, unwise for a tool
// that handles secrets and is run by root.
const cache = ownCacheFolder(process.env);
if (cache !== undefined) enableCompileCache(join(cache, 'compile'));

const { main } = await import('./cli/main.ts');
const { processTerminal } = await import('./cli/terminal.ts');
process.exitCode = await main(process.argv.slice(2), processTerminal());
