import { runCommand } from './run-command.js';

/**
 * The program that `listXattrs` needs, because Node has no call for extended attributes. Even a minimal Debian has it.
 */
export const XATTR_READER = 'perl';

/** The numbers of `llistxattr` and `lgetxattr`. Source: the kernel's tables of system calls. */
const SYSTEM_CALLS: Partial<Record<NodeJS.Architecture, string>> = { x64: '195, 192', arm64: '12, 9' };

/**
 * Reads paths that end with NUL. Prints a line for each that has attributes: PATH and NAME=VALUE, all in hex digits.
 */
const SCRIPT = `
  use strict;
  my ($list, $get) = (CALLS);
  my ($names, $value) = ("\\0" x 65536, "\\0" x 65536);
  $/ = "\\0";
  while (my $path = <STDIN>) {
    chomp $path;
    my $length = syscall($list, $path, $names, 65536);
    die "$path: $!\\n" if $length < 0 && !$!{EOPNOTSUPP};
    next if $length <= 0;
    my @line = unpack('H*', $path);
    for my $name (split /\\0/, substr($names, 0, $length)) {
      my $size = syscall($get, $path, $name, $value, 65536);
      die "$path: $name: $!\\n" if $size < 0;
      push @line, unpack('H*', $name) . '=' . unpack('H*', substr($value, 0, $size));
    }
    print "@line\\n";
  }
`;

/**
 * The extended attributes of many paths below a root, as `name=0xHEX …` sorted by name. Paths without any are left out.
 *
 * @param paths relative to the root, one character per byte
 */
export async function listXattrs(root: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const calls = SYSTEM_CALLS[process.arch];
  if (calls === undefined) throw new Error(`the numbers of the system calls of ${process.arch} are not known`);
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const script = SCRIPT.replace('CALLS', calls);
  const { stdout } = await runCommand(XATTR_READER, ['-e', script], { cwd: root, input });
  const lines = stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [path = '', ...attributes] = line.split(' ');
      return [fromHex(path), attributes.map(shown).sort().join(' ')];
    }),
  );
}

function shown(attribute: string): string {
  const [name = '', value] = attribute.split('=');
  return `${fromHex(name)}=0x${value}`;
}

function fromHex(digits: string): string {
  return Buffer.from(digits, 'hex').toString('latin1');
}
