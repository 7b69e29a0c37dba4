/** An image or layer ID in hex digits, shortened as engines show it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
