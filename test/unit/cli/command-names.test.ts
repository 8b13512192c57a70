import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/command-names.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { processTerminal } from '../../../src/cli/terminal.ts';

test('the names are those of all commands, and of what a shell asks for completion', () => {
  const program = createProgram(processTerminal(), async () => {});
  expect([...COMMANDS]).toEqual([...program.commands.map((command) => command.name()), 'complete']);
});
