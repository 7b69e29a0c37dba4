/** Byte range of a response, and the total size. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  /** `undefined` if the server does not know. */
  readonly total: number | undefined;
}

/** Parses `bytes 5-9/10`. Source: RFC 9110, section 14.4. @returns `undefined` if malformed */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  if (total !== '*' && Number(total) <= Number(last)) return undefined;
  return { first: Number(first), last: Number(last), total: total === '*' ? undefined : Number(total) };
}
