import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { ownCacheFolder } from '../cli/cache-folder.ts';
import { EXIT } from '../cli/exit-code.ts';
import { keep, main, processTerminal } from './program.ts';

// For the roles: see ../bin.ts, which starts farmctl from its source.
const cache = ownCacheFolder(process.env);
if (cache !== undefined) enableCompileCache(join(cache, 'compile'));

const code = await main(process.argv.slice(2), processTerminal());
process.exitCode = code;
// What went wrong early has not come to most of what a run needs.
if (code === EXIT.done || code === EXIT.drift) keep();
