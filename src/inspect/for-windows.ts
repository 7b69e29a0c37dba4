import type { Warning } from '../errors.js';
import type { Inspected } from './inspection.js';

/**
 * Whether an image is for Windows: its config says so, or a layer is laid out so, with records of Windows below both `Files` and
 * `Hives`.
 *
 * @param os as the config has it
 */
export function isForWindows(os: string | undefined, layers: readonly Pick<Inspected, 'isForWindows'>[]): boolean {
  return os?.toLowerCase() === 'windows' || layers.some((layer) => layer.isForWindows);
}

/** What to say of a layer. Records of Windows are left out of other images, as PAX records of other kinds are. */
export function warningsOf(
  { warnings, windowsRecords }: Pick<Inspected, 'warnings' | 'windowsRecords'>,
  forWindows: boolean,
): readonly Warning[] {
  if (forWindows || !windowsRecords) return warnings;
  const { code, count } = windowsRecords;
  if (!warnings.some((warning) => warning.code === code)) return [...warnings, windowsRecords];
  return warnings.map((warning) => (warning.code === code ? { ...warning, count: warning.count + count } : warning));
}
