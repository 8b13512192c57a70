import { keepCompiledModules } from './cli/cache-folder.ts';

// Before anything big is loaded.
keepCompiledModules(process.env);

const { main } = await import('./cli/main.ts');
const { processTerminal } = await import('./cli/terminal.ts');
process.exitCode = await main(process.argv.slice(2), processTerminal());
