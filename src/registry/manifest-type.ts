import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { parseDocument } from '../image/document.js';
import { KindSchema, MANIFEST_TYPES } from '../image/manifest.js';

/**
 * A manifest that is of one type as the registry sends it, and of another as it says itself, is taken for one thing by some
 * readers and for another by others: it is refused. A registry that knows no types at all is believed what it holds.
 * Source: OCI image-spec and distribution-spec, CVE-2021-41190.
 *
 * @param contentType the header
 * @param what the document's name, printable
 * @throws DIMGX_IMAGE_BAD_JSON
 */
export function refuseOtherType(bytes: Uint8Array, contentType: string | undefined, what: string): void {
  const sent = contentType?.replace(/;.*$/s, '').trim().toLowerCase() ?? '';
  const { mediaType } = parseDocument(bytes, KindSchema, what);
  if (!MANIFEST_TYPES.includes(sent) || mediaType === '' || mediaType === sent) return;
  const message = `${what} is sent as ${sent} and says that it is ${quoted(mediaType)}: the image is refused`;
  throw new DimgxError('DIMGX_IMAGE_BAD_JSON', message);
}
