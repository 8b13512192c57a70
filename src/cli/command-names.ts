/** The first words of command lines. Here by themselves, for who must know them before the commands are loaded. */
export const COMMANDS: readonly string[] = [
  'plan',
  'apply',
  'drift',
  'verify',
  'exec',
  'facts',
  'validate',
  'render',
  'inventory',
  'roles',
  'explain',
  'schema',
  'init',
  'completion',
  'complete',
];
