import type { CommandHelp } from '../commands/command-help.js';
import {
  type CommandWord,
  type FirstWord,
  firstWords,
  OPTION_WORDS,
  type OptionWords,
  optionWords,
  quotedWord,
} from './words.js';

/** A completion script for zsh. Save it as `_dimgx` in a folder of `$fpath`, or source it after `compinit`. */
export function zshCompletion(helps: readonly CommandHelp[]): string {
  const main = helps.find(({ name }) => name === '') as CommandHelp;
  const commands = helps.filter(({ name }) => name !== '');
  const firsts = firstWords(helps);
  const groups = firsts.filter(({ seconds }) => seconds.length > 0);
  return `#compdef dimgx
# dimgx completion zsh

_dimgx() {
  local -a commands
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    commands=(
${[...firsts, ...OPTION_WORDS].map((word) => `      ${described(word)}`).join('\n')}
    )
    _describe -t commands command commands
    _files
    return
  fi
  case $words[2] in
${groups.map((group) => groupCase(group, commands)).join('\n')}
${helpCase(firsts, groups)}
    version) ;;
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

function groupCase({ word, seconds }: FirstWord, commands: readonly CommandHelp[]): string {
  const cases = seconds.map((second) => {
    const help = commands.find(({ name }) => name === `${word} ${second.word}`) as CommandHelp;
    return `        ${second.word})\n${argumentsOf(help, 3)}\n          ;;`;
  });
  return `    ${word})
      if (( CURRENT == 3 )); then ${offer(seconds)}; return; fi
      case $words[3] in
${cases.join('\n')}
      esac
      ;;`;
}

function helpCase(firsts: readonly FirstWord[], groups: readonly FirstWord[]): string {
  const cases = groups.map(({ word, seconds }) => `        4:${word}) ${offer(seconds)} ;;`);
  return `    help)
      case $CURRENT:$words[3] in
        3:*) ${offer(firsts)} ;;
${cases.join('\n')}
      esac
      ;;`;
}

function offer(words: readonly CommandWord[]): string {
  return `commands=(${words.map(described).join(' ')}); _describe -t commands command commands`;
}

function described({ word, summary }: CommandWord): string {
  return quotedWord(`${word}:${summary}`);
}

/** @param at number of words on the line before the command's own arguments */
function argumentsOf(help: CommandHelp, at: number): string {
  const specs = optionWords(help).flatMap((option) => option.spellings.map((spelling) => spec(spelling, option)));
  const lines = [...specs, ...operandSpecs(help)].map((one) => `        ${one}`);
  const shift = at > 1 ? `      shift ${at - 1} words; (( CURRENT -= ${at - 1} ))\n` : '';
  return `${shift}      _arguments -s -S \\\n${lines.join(' \\\n')}`;
}

function operandSpecs({ operands }: CommandHelp): readonly string[] {
  if (operands?.choices) return [quotedWord(`1:word:(${operands.choices.join(' ')})`)];
  return operands ? [quotedWord(`*:operand:${operands.names === 'file' ? '_files' : ' '}`)] : [];
}

function spec(spelling: string, { describe, value, isOptional }: OptionWords): string {
  const text = describe.replaceAll(/[[\]:\\]/g, '\\$&');
  if (value === 'none') return quotedWord(`*${spelling}[${text}]`);
  const equals = spelling.startsWith('--') ? (isOptional ? '=-' : '=') : '+';
  const action =
    value === 'file' ? '_files' : value === 'directory' ? '_files -/' : value === 'any' ? ' ' : `(${value.join(' ')})`;
  return quotedWord(`*${spelling}${equals}[${text}]${isOptional ? '::' : ':'}value:${action}`);
}
