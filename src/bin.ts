import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Before anything else is loaded. A folder of the user's own: the default is a shared one in /tmp, unwise for a tool
// that handles secrets and is run by root.
const cache = process.env['XDG_CACHE_HOME'] || (process.env['HOME'] && join(process.env['HOME'], '.cache'));
if (cache) enableCompileCache(join(cache, 'farmctl', 'compile'));

const { main } = await import('./cli/main.ts');
const { processTerminal } = await import('./cli/terminal.ts');
process.exitCode = await main(process.argv.slice(2), processTerminal());
