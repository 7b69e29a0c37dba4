import { runCommand } from './run-command.js';

/**
 * The extended attributes of many paths below a root, as `name=HEX …` sorted by name; paths without any are left out.
 * Node has no call for them: Debian's `attr` package does it, in as few processes as the argument list allows.
 *
 * @param paths relative to the root, one character a byte
 */
export async function listXattrs(root: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const args = ['-0', '-r', 'getfattr', '-d', '-m', '-', '-e', 'hex', '-h', '--absolute-names', '--'];
  // the `./` keeps a name that begins with a dash from being an option
  const input = Buffer.from(paths.map((path) => `./${path}\0`).join(''), 'latin1');
  const { stdout, stderr } = await runCommand('xargs', args, { cwd: root, input });
  if (stderr !== '') throw new Error(`getfattr: ${stderr}`);
  return parseDump(stdout.toString('latin1'));
}

/** Blocks of `# file: PATH` and `NAME=0xHEX` lines, with `\ooo` for newline, carriage return, backslash and, in names, `=`. */
function parseDump(dump: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const block of dump.split('\n\n')) {
    const [heading, ...attributes] = block.split('\n').filter((line) => line !== '');
    if (heading === undefined) continue;
    const path = unquote(heading.slice('# file: ./'.length));
    found.set(path, attributes.map(unquote).sort().join(' '));
  }
  return found;
}

function unquote(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
