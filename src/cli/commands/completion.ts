import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const SHELLS = {
  bash: async () => (await import('../completion/bash.js')).bashCompletion,
  zsh: async () => (await import('../completion/zsh.js')).zshCompletion,
  fish: async () => (await import('../completion/fish.js')).fishCompletion,
} as const;

const isShell = (name: string): name is keyof typeof SHELLS => Object.hasOwn(SHELLS, name);
const WANTED = 'needs one of bash, zsh or fish';

export const completion = defineCommand({
  describe: 'Prints a script that completes commands, options and their values. SHELL is bash, zsh or fish.',
  examples: [
    ['source <(dimgx completion bash)', 'complete in this bash'],
    ['dimgx completion fish > ~/.config/fish/completions/dimgx.fish', 'complete in every fish'],
  ],
  operands: { name: 'SHELL', count: 'one', wanted: WANTED, choices: Object.keys(SHELLS) },
  options: {},
  async run({ operands: [shell], helps }) {
    if (!isShell(shell)) throw usageError(`completion ${WANTED}`);
    const script = await SHELLS[shell]();
    const allHelp = await helps();
    return { text: () => script(allHelp) };
  },
});
