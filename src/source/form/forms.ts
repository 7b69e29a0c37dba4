import { transportIn } from '../source.js';
import * as dir from './dir.js';
import * as dockerArchive from './docker-archive.js';
import * as dockerV1 from './docker-v1.js';
import type { Form } from './form.js';
import * as ociLayout from './oci-layout.js';

/**
 * Every form. They are in order of precedence: if a directory or an archive has several forms, Docker's `manifest.json`
 * comes first.
 */
export const FORMS = [dir, dockerArchive, ociLayout, dockerV1] as const satisfies readonly Form[];

export type FileUsage = (typeof FORMS)[number]['usages'][number];

/** How users write references to files. Forms may share a transport. */
export const FILE_USAGES: readonly FileUsage[] = [...new Set(FORMS.flatMap<FileUsage>(({ usages }) => usages))];

/** Names at the top of files that may be an image. */
export const FORM_MARKS: readonly string[] = [...new Set(FORMS.flatMap<string>(({ marks }) => marks))];

/** The forms that files with this transport may have. */
export function formsOf(transport: string): readonly Form[] {
  return FORMS.filter(({ usages }) => usages.some((usage) => transportIn(usage) === transport));
}

/** The transport that users write for files of this form. */
export function transportOf({ usages }: Form, { isArchive }: { readonly isArchive: boolean }): string {
  return transportIn(usages[isArchive ? usages.length - 1 : 0] as FileUsage);
}
