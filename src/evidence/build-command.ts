import { shellWord } from '../base/text/printable.js';
import { dockerfileLine } from './dockerfile-line.js';

/** The start of a command line that leaves a command to a shell. Short: a hostile text must not be searched for long. */
const SHELL = [
  String.raw`(?:\S*[/\\])?(?:ba|da|a|z|k)?sh(?: -\w+(?: [a-z]+)?){0,8}? -\w*c`,
  String.raw`(?:\S*[/\\])?(?:cmd|CMD)(?:\.exe)?(?: /\w+)* /[Cc]`,
  String.raw`(?:\S*[/\\])?(?:powershell|pwsh)(?:\.exe)?(?: -\w+(?: \w+)?){0,8}? -[cC]ommand`,
].join('|');

const LEADING_SHELL = new RegExp(`^(?:${SHELL}) `);
const SHELL_AFTER_ARGUMENTS = new RegExp(` (?:${SHELL}) `);

/** Ahead of what only sets metadata, the classic builder writes this where a command would stand. */
const NO_OPERATION = /^(?:\$\w+ = '[^']*'; ?)*#\(nop\)\s/;

const BUILDKIT = ' # buildkit';
const INSTRUCTION = /^[A-Z]+ /;
const BUILD_ARGUMENTS = /^\|\d+ /;

/**
 * The command of a step of a history, as a line of a Dockerfile: `/bin/sh -c #(nop)  CMD ["sh"]` is `CMD ["sh"]`, and
 * `RUN |1 A=b /bin/sh -c make # buildkit` is `RUN A=b make`. Build arguments stay: they may be secrets that have leaked.
 * Tabs become blanks, as in `docker history`; line breaks stay. What no Dockerfile made stays as it is.
 *
 * @param createdBy as in the image's config
 * @returns empty if there is none; not yet safe for a terminal
 */
export function buildCommand(createdBy: string | undefined): string {
  const text = (createdBy ?? '').replaceAll('\t', ' ').trim();
  const [instruction] = INSTRUCTION.exec(text) ?? [];
  const isMarked = instruction !== undefined && text.endsWith(BUILDKIT);
  const plain = isMarked ? text.slice(0, -BUILDKIT.length).trimEnd() : text;
  if (instruction === 'RUN ') return ranByBuildKit(plain.slice(instruction.length), isMarked);
  if (instruction !== undefined) return dockerfileLine(plain);
  if (BUILD_ARGUMENTS.test(plain)) return `RUN ${withArguments(plain)}`;
  const command = plain.replace(LEADING_SHELL, '');
  const nop = NO_OPERATION.exec(command);
  if (nop) return dockerfileLine(command.slice(nop[0].length).trimStart());
  return command === plain ? plain : `RUN ${command}`;
}

/** In a Dockerfile that another builder quotes, a shell gets its command as one word. */
function ranByBuildKit(command: string, isMarked: boolean): string {
  if (BUILD_ARGUMENTS.test(command)) return `RUN ${withArguments(command)}`;
  const bare = command.replace(LEADING_SHELL, '');
  return `RUN ${isMarked || !/^['"]/.test(bare) ? bare : command}`;
}

/** A command after build arguments: `|2 A=b C=d e /bin/sh -c make` is `A=b C='d e' make`. */
function withArguments(text: string): string {
  const count = Number.parseInt(text.slice(1), 10);
  const rest = text.replace(BUILD_ARGUMENTS, '');
  const shell = SHELL_AFTER_ARGUMENTS.exec(rest);
  if (!shell) return rest;
  const written = rest.slice(0, shell.index);
  const command = rest.slice(shell.index + shell[0].length);
  return `${quotedArguments(written, count) ?? written} ${command}`;
}

/** @returns `undefined` if it is doubtful where each value ends */
function quotedArguments(written: string, count: number): string | undefined {
  const split = written.split(/ (?=[A-Za-z_]\w*=)/);
  if (split.length !== count) return undefined;
  const quoted = split.map((argument) => {
    const value = argument.indexOf('=') + 1;
    return argument.slice(0, value) + (value === argument.length ? '' : shellWord(argument.slice(value)));
  });
  return quoted.join(' ');
}
