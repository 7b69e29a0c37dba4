/** An ID of an image or layer, in hex digits, as short as engines show it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
