const GAP = '   ';

const UNITS = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** Turns rows of cells into lines. All columns but the last are padded to their longest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = rows[0]?.map((_, column) => column) ?? [];
  const widths = columns.map((column) => rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(GAP)
      .trimEnd(),
  );
}

/**
 * How long ago something happened, in words and whole units: `18 hours ago`. An invalid time gives `-`, and so does the
 * zero time that Go writes for "unset".
 *
 * @param created RFC 3339
 */
export function relativeTime(created: string | undefined, now: Date): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time) || new Date(time).getUTCFullYear() <= 1) return '-';
  const seconds = Math.trunc((now.getTime() - time) / 1000);
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  const count = Math.floor(Math.abs(seconds) / length);
  if (count === 0) return 'now';
  const words = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}
