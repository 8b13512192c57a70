// All of farmctl, as the build makes one script of it. program.ts runs it.

export { main } from '../cli/main.ts';
export { processTerminal } from '../cli/terminal.ts';
export * as api from '../index.ts';
export { importModulesBy } from '../role/import-module.ts';
