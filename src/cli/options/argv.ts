import type { OptionRow } from './option-row.js';
import { suggestion, usageError } from './usage-error.js';

/** A parsed command line: every option spelled `--name` or `--name=value`. */
export interface Argv {
  readonly options: readonly string[];
  readonly operands: readonly string[];
}

interface Given {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * Accepts every spelling that getopt and the argparse of 2015 allowed, so that yargs has nothing left to decide:
 * `-tPATH`, `-t PATH`, `-t=PATH`, `--target=PATH`, `--target PATH`, `--targ PATH`, clusters such as `-zwtPATH`, options
 * after operands, `--` before operands only, and `-` as an operand or a value. An option that needs a value takes the
 * next argument, even one that begins with a dash.
 *
 * If several options share a slot, only the last is kept. Parsing stops at an option that answers, such as `--help`.
 *
 * @throws DIMGX_USAGE: unknown or ambiguous option, missing value, value where none belongs
 */
export function normaliseArgv(args: readonly string[], table: Readonly<Record<string, OptionRow>>): Argv {
  const given: Given[] = [];
  const operands: string[] = [];
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift() ?? '';
    if (arg === '--') {
      operands.push(...rest.splice(0));
    } else if (arg.startsWith('--')) {
      given.push(readLong(arg, rest, table));
    } else if (arg.startsWith('-') && arg !== '-') {
      given.push(...readCluster(arg, rest, table));
    } else {
      operands.push(arg);
    }
    if (given.some(({ name }) => table[name]?.answers)) break;
  }
  return { options: lastOfEachSlot(given, table).map((each) => spell(asRule(each, table))), operands };
}

function readLong(arg: string, rest: string[], table: Readonly<Record<string, OptionRow>>): Given {
  const [, typed = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const name = completeName(typed, table);
  return { name, value: takeValue(`--${name}`, table[name], attached, rest) };
}

/**
 * Completes the name of a long option. An abbreviation that was unambiguous in 2015 keeps its meaning, even if it also
 * fits a newer option.
 */
function completeName(typed: string, table: Readonly<Record<string, OptionRow>>): string {
  if (Object.hasOwn(table, typed)) return typed;
  const fitting = typed === '' ? [] : Object.keys(table).filter((name) => name.startsWith(typed));
  const old = fitting.filter((name) => table[name]?.since2015);
  const [name, ...others] = old.length === 1 ? old : fitting;
  if (name === undefined)
    throw usageError(`unknown option --${typed}${suggestion(typed, Object.keys(table), (like) => `--${like}`)}`);
  if (others.length === 0) return name;
  throw usageError(`--${typed} could mean ${fitting.map((fit) => `--${fit}`).join(', ')}`);
}

function readCluster(arg: string, rest: string[], table: Readonly<Record<string, OptionRow>>): readonly Given[] {
  const given: Given[] = [];
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at);
    const found = Object.entries(table).find(([, row]) => row.alias === letter);
    if (!found) throw usageError(`unknown option -${String.fromCodePoint(arg.codePointAt(at) ?? 0)}`);
    const [name, row] = found;
    const tail = arg.slice(at + 1);
    const attached = takesValue(row) || tail.startsWith('=') ? tail.replace(/^=/, '') : undefined;
    given.push({ name, value: takeValue(`-${letter}`, row, tail === '' ? undefined : attached, rest) });
    if (attached !== undefined || row.answers) break;
  }
  return given;
}

function takesValue(row: OptionRow | undefined): boolean {
  return row?.type === 'string';
}

function takeValue(
  shown: string,
  row: OptionRow | undefined,
  attached: string | undefined,
  rest: string[],
): string | undefined {
  if (!takesValue(row)) {
    if (attached !== undefined) throw usageError(`${shown} takes no value`);
    return undefined;
  }
  const value = attached ?? row?.bare ?? rest.shift();
  if (value === undefined) throw usageError(`${shown} needs a value`);
  return value;
}

function lastOfEachSlot(given: readonly Given[], table: Readonly<Record<string, OptionRow>>): readonly Given[] {
  const slotOf = (name: string) => table[name]?.slot ?? name;
  return given.filter(
    ({ name }, at) =>
      table[name]?.repeatable || !given.slice(at + 1).some((later) => slotOf(later.name) === slotOf(name)),
  );
}

function asRule({ name, value }: Given, table: Readonly<Record<string, OptionRow>>): Given {
  const rule = table[name]?.rule;
  return rule ? { name: rule.of, value: `${rule.sign}${value}` } : { name, value };
}

function spell({ name, value }: Given): string {
  return value === undefined ? `--${name}` : `--${name}=${value}`;
}
