import { usageError } from '../options/usage-error.js';
import { defineCommand } from './command.js';

const SHELLS = {
  bash: async () => (await import('../completion/bash.js')).bashCompletion,
  zsh: async () => (await import('../completion/zsh.js')).zshCompletion,
  fish: async () => (await import('../completion/fish.js')).fishCompletion,
} as const;

const isShell = (name: string): name is keyof typeof SHELLS => Object.hasOwn(SHELLS, name);

export const command = defineCommand({
  usage: 'SHELL',
  describe: 'Prints a script that completes commands, options and their values. SHELL is bash, zsh or fish.',
  examples: [
    ['source <(dimgx completion bash)', 'complete in this bash'],
    ['dimgx completion fish > ~/.config/fish/completions/dimgx.fish', 'complete in every fish'],
  ],
  options: {},
  async run(_, [shell = '', ...others], { helps, print }) {
    if (!isShell(shell) || others.length > 0) throw usageError('completion needs one of bash, zsh or fish');
    const script = await SHELLS[shell]();
    await print(script(await helps()));
  },
});
