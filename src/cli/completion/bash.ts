import type { CommandHelp } from '../commands/command-help.js';
import { type OptionWords, optionWords, quotedWord } from './words.js';

/** A completion script for bash 4 and later. It does not need the package bash-completion. */
export function bashCompletion(helps: readonly CommandHelp[]): string {
  const names = helps.map(({ name }) => name).filter((name) => name !== '');
  const groups = [...new Set(names.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0] as string))];
  const first = [...new Set(names.map((name) => name.split(' ')[0]))].join(' ');
  const seconds = groups.map(
    (group) =>
      `    ${group}) words=${quotedWord(
        names
          .filter((name) => name.startsWith(`${group} `))
          .map((name) => name.slice(group.length + 1))
          .join(' '),
      )} ;;`,
  );
  return `# dimgx completion bash: put it where bash-completion looks, or source it
_dimgx() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' equals='' command='' words='' value=''
  COMPREPLY=()
  # bash takes "=" for a word of its own
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  if [ "$cur" = = ]; then cur='' equals=1; fi
  if [ "$prev" = = ]; then prev=\${COMP_WORDS[COMP_CWORD-2]} equals=1; fi
  if [ "$COMP_CWORD" -gt 1 ]; then command=\${COMP_WORDS[1]}; fi
  case $command in
    ${groups.join('|')}) if [ "$COMP_CWORD" -gt 2 ]; then command="$command \${COMP_WORDS[2]}"; fi ;;
  esac
  case $command in
${seconds.join('\n')}
${helps
  .filter(({ name }) => name !== '')
  .map(caseOf)
  .join('\n')}
    *)
${bodyOf(helps.find(({ name }) => name === '') as CommandHelp)}
      if [ "$COMP_CWORD" -eq 1 ]; then words="$words ${first} help version"; fi
      ;;
  esac
  case $value in
    file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    directory) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    any) return ;;
    ?*) words=$value ;;
    *) if [ "\${cur:0:1}" != - ] && [ -n "$cur" -o "$COMP_CWORD" -gt 2 ]; then COMPREPLY=($(compgen -f -- "$cur")); fi ;;
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -o filenames -F _dimgx dimgx
`;
}

function caseOf(help: CommandHelp): string {
  return `    ${quotedWord(help.name)})\n${bodyOf(help)}\n      ;;`;
}

function bodyOf(help: CommandHelp): string {
  const options = optionWords(help);
  const words = options.flatMap(({ spellings }) => spellings).join(' ');
  const values = options.filter(({ value }) => value !== 'none').map(valueCase);
  const lines = [`words=${quotedWord(words)}`, ...(values.length > 0 ? ['case $prev in', ...values, 'esac'] : [])];
  return lines.map((line) => `      ${line}`).join('\n');
}

function valueCase({ spellings, value, isOptional }: OptionWords): string {
  const assignment = `value=${quotedWord(typeof value === 'string' ? value : value.join(' '))}`;
  const then = isOptional ? `if [ -n "$equals" ]; then ${assignment}; fi` : assignment;
  return `  ${spellings.join('|')}) ${then} ;;`;
}
