import type { Warning } from '../errors.js';
import type { Inspected } from './inspection.js';

/**
 * Whether an image is for Windows: its config says so, or a layer has the Windows layout, with Windows records below
 * both `Files` and `Hives`.
 *
 * @param os as in the config
 */
export function isForWindows(os: string | undefined, layers: readonly Pick<Inspected, 'isForWindows'>[]): boolean {
  return os?.toLowerCase() === 'windows' || layers.some((layer) => layer.isForWindows);
}

/**
 * Warnings to report for a layer. Unless the image is for Windows, Windows records are dropped and counted with the
 * other PAX records that are dropped.
 */
export function warningsOf(
  { warnings, windowsRecords }: Pick<Inspected, 'warnings' | 'windowsRecords'>,
  forWindows: boolean,
): readonly Warning[] {
  if (forWindows || !windowsRecords) return warnings;
  const { code, count } = windowsRecords;
  if (!warnings.some((warning) => warning.code === code)) return [...warnings, windowsRecords];
  return warnings.map((warning) => (warning.code === code ? { ...warning, count: warning.count + count } : warning));
}
