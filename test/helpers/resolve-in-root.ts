import { runCommand } from './run-command.js';

/** The program that `readInRoot` needs, because Node has no call for it. */
export const ROOT_READER = 'perl';

/**
 * The number of `openat2`, and `RESOLVE_IN_ROOT`: symlinks and `..` stay below the folder. Source: the kernel's
 * asm-generic/unistd.h and openat2.h.
 */
const SCRIPT = `
  use strict;
  use Errno qw(ENOENT ENOTDIR ELOOP ENAMETOOLONG);
  use Fcntl qw(O_RDONLY O_NONBLOCK);
  my ($OPENAT2, $IN_ROOT, $AT_FDCWD) = (437, 0x10, -100);
  $/ = "\\0";
  while (my $path = <STDIN>) {
    my $how = pack('QQQ', O_RDONLY | O_NONBLOCK, 0, $IN_ROOT);
    my $fd = syscall($OPENAT2, $AT_FDCWD, $path, $how, length $how);
    if ($fd < 0) { printf "%s\\0", $! == ENOENT ? 'ENOENT' : $! == ENOTDIR ? 'ENOTDIR' : $! == ELOOP ? 'ELOOP' : $!; next }
    open my $file, '<&=', $fd or die $!;
    if (-d $file) { print "EISDIR\\0" }
    elsif (-f $file) { local $/; printf "=%s\\0", scalar <$file> }
    else { print "no file\\0" }
  }
`;

/**
 * What the kernel finds at each path if a folder is the root: `=` and the contents of a file, or why there are none:
 * `ENOENT`, `ENOTDIR`, `ELOOP`, `EISDIR`, or `no file`.
 *
 * @param paths one character is one byte
 */
export async function readInRoot(root: string, paths: readonly string[]): Promise<readonly string[]> {
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const { stdout } = await runCommand(ROOT_READER, ['-e', SCRIPT], { cwd: root, input });
  return stdout.toString('latin1').split('\0').slice(0, -1);
}
