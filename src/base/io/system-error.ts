/**
 * Whether this is an error of the operating system with one of the codes (`ENOENT`, …), or with any code if none is
 * given.
 */
export function isSystemError(failure: unknown, ...codes: string[]): failure is NodeJS.ErrnoException {
  if (!(failure instanceof Error) || !('syscall' in failure) || !('code' in failure)) return false;
  return codes.length === 0 || codes.includes(String(failure.code));
}
