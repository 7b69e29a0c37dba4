import type { CommandHelp } from '../commands/command-help.js';
import { type OptionWords, optionWords, quotedWord } from './words.js';

/** A completion script for zsh. Save it as `_dimgx` in a folder of `$fpath`, or source it after `compinit`. */
export function zshCompletion(helps: readonly CommandHelp[]): string {
  const main = helps.find(({ name }) => name === '') as CommandHelp;
  const commands = helps.filter(({ name }) => name !== '');
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [word = '', second] = name.split(' ');
    words.set(word, second === undefined ? summary : `${word} commands`);
  }
  const groups = [...words.keys()].filter((word) => commands.some(({ name }) => name.startsWith(`${word} `)));
  return `#compdef dimgx
# dimgx completion zsh

_dimgx() {
  local -a commands
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    commands=(
${[...words].map(([word, summary]) => `      ${quotedWord(`${word}:${summary}`)}`).join('\n')}
    )
    _describe -t commands command commands
    _files
    return
  fi
  case $words[2] in
${groups.map((group) => groupCase(group, commands)).join('\n')}
${commands
  .filter(({ name }) => !name.includes(' '))
  .map((help) => `    ${help.name})\n${argumentsOf(help, 2)}\n      ;;`)
  .join('\n')}
    *)
${argumentsOf(main, 1)}
      ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _dimgx "$@"; else compdef _dimgx dimgx; fi
`;
}

function groupCase(group: string, commands: readonly CommandHelp[]): string {
  const own = commands.filter(({ name }) => name.startsWith(`${group} `));
  const second = ({ name }: CommandHelp) => name.slice(group.length + 1);
  const list = own.map((help) => quotedWord(`${second(help)}:${help.summary}`)).join(' ');
  const cases = own.map((help) => `        ${second(help)})\n${argumentsOf(help, 3)}\n          ;;`);
  return `    ${group})
      if (( CURRENT == 3 )); then commands=(${list}); _describe -t commands command commands; return; fi
      case $words[3] in
${cases.join('\n')}
      esac
      ;;`;
}

/** @param at number of words on the line before the command's own arguments */
function argumentsOf(help: CommandHelp, at: number): string {
  const specs = optionWords(help).flatMap((option) => option.spellings.map((spelling) => spec(spelling, option)));
  const lines = [...specs, quotedWord('*:image:_files')].map((one) => `        ${one}`);
  const shift = at > 1 ? `      shift ${at - 1} words; (( CURRENT -= ${at - 1} ))\n` : '';
  return `${shift}      _arguments -s -S \\\n${lines.join(' \\\n')}`;
}

function spec(spelling: string, { describe, value, isOptional }: OptionWords): string {
  const text = describe.replaceAll(/[[\]:\\]/g, '\\$&');
  if (value === 'none') return quotedWord(`*${spelling}[${text}]`);
  const equals = spelling.startsWith('--') ? (isOptional ? '=-' : '=') : '+';
  const action =
    value === 'file' ? '_files' : value === 'directory' ? '_files -/' : value === 'any' ? ' ' : `(${value.join(' ')})`;
  return quotedWord(`*${spelling}${equals}[${text}]${isOptional ? '::' : ':'}value:${action}`);
}
