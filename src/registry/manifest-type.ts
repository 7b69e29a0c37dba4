import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { parseDocument } from '../image/document.js';
import { KindSchema, MANIFEST_TYPES } from '../image/manifest.js';

/**
 * Rejects a manifest whose Content-Type and `mediaType` field disagree: some readers would take it for one thing and
 * others for another. If the registry's Content-Type is not a manifest type at all, the manifest is accepted. Source:
 * OCI image-spec and distribution-spec, CVE-2021-41190.
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
