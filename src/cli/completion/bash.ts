import type { CommandHelp } from '../commands/command-help.js';
import {
  type CommandWord,
  firstWords,
  joined,
  OPTION_WORDS,
  type OptionWords,
  optionWords,
  quotedWord,
} from './words.js';

/** A completion script for bash 4 and later. It does not need the package bash-completion. */
export function bashCompletion(helps: readonly CommandHelp[]): string {
  const firsts = firstWords(helps);
  const groups = firsts.filter(({ seconds }) => seconds.length > 0);
  return `# dimgx completion bash: put it where bash-completion looks, or source it
_dimgx() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' equals='' command='' words='' value='' files=''
  COMPREPLY=()
  # bash takes "=" for a word of its own
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  if [ "$cur" = = ]; then cur='' equals=1; fi
  if [ "$prev" = = ]; then prev=\${COMP_WORDS[COMP_CWORD-2]} equals=1; fi
  if [ "$COMP_CWORD" -gt 1 ]; then command=\${COMP_WORDS[1]}; fi
  case $command in
    ${[...groups.map(({ word }) => word), 'help'].join('|')}) if [ "$COMP_CWORD" -gt 2 ]; then command="$command \${COMP_WORDS[2]}"; fi ;;
  esac
  case $command in
${groups.map(({ word, seconds }) => `    ${word}) words=${quotedWord(joined(seconds))} ;;`).join('\n')}
    help) words=${quotedWord(joined(firsts))} ;;
${groups.map(({ word, seconds }) => helpCase(word, seconds)).join('\n')}
    'help '*|version) ;;
${helps
  .filter(({ name }) => name !== '')
  .map(caseOf)
  .join('\n')}
    *)
${bodyOf(helps.find(({ name }) => name === '') as CommandHelp)}
      if [ "$COMP_CWORD" -eq 1 ]; then words="$words ${joined([...firsts, ...OPTION_WORDS])}"; fi
      ;;
  esac
  case $value in
    file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    directory) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    any) return ;;
    ?*) words=$value ;;
    *) if [ -n "$files" ] && [ "\${cur:0:1}" != - ] && [ -n "$cur" -o "$COMP_CWORD" -gt 2 ]; then COMPREPLY=($(compgen -f -- "$cur")); fi ;;
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -o filenames -F _dimgx dimgx
`;
}

function helpCase(group: string, seconds: readonly CommandWord[]): string {
  return `    'help ${group}') if [ "$COMP_CWORD" -eq 3 ]; then words=${quotedWord(joined(seconds))}; fi ;;`;
}

function caseOf(help: CommandHelp): string {
  return `    ${quotedWord(help.name)})\n${bodyOf(help)}\n      ;;`;
}

function bodyOf(help: CommandHelp): string {
  const options = optionWords(help);
  const words = options.flatMap(({ spellings }) => spellings).join(' ');
  const values = options.filter(({ value }) => value !== 'none').map(valueCase);
  const lines = [
    `words=${quotedWord(words)}`,
    ...operandLines(help),
    ...(values.length > 0 ? ['case $prev in', ...values, 'esac'] : []),
  ];
  return lines.map((line) => `      ${line}`).join('\n');
}

function operandLines({ operands }: CommandHelp): readonly string[] {
  if (operands?.choices) return [`if [ "\${cur:0:1}" != - ]; then words=${quotedWord(operands.choices.join(' '))}; fi`];
  return operands?.names === 'file' ? ['files=1'] : [];
}

function valueCase({ spellings, value, isOptional }: OptionWords): string {
  const assignment = `value=${quotedWord(typeof value === 'string' ? value : value.join(' '))}`;
  const then = isOptional ? `if [ -n "$equals" ]; then ${assignment}; fi` : assignment;
  return `  ${spellings.join('|')}) ${then} ;;`;
}
