import { keepCompiledModules } from '../cli/cache-folder.ts';
import { EXIT } from '../cli/exit-code.ts';
import { keep, main, processTerminal } from './program.ts';

keepCompiledModules(process.env);

const code = await main(process.argv.slice(2), processTerminal());
process.exitCode = code;
// A run that ended early has not come to most of what others need.
if (code !== EXIT.usage && code !== EXIT.interrupted) keep();
