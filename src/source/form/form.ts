import type { DimgxError, Warn } from '../../errors.js';
import type { ParsedConfig } from '../../image/config.js';
import type { ImageDocuments, ListedImage } from '../../image/image.js';
import type { LayerOrigin } from '../../image/layer.js';
import type { Platform } from '../../image/platform.js';
import type { Digest } from '../../reference/digest.js';
import type { Usage } from '../source.js';
import type { Documents } from './documents.js';

/** What a form is asked to find. */
export interface FormRequest {
  readonly documents: Documents;
  /** Which image: a name, tag, ID, digest, or `@N`. `undefined`: the only one. */
  readonly selector: string | undefined;
  /** The platform that was asked for, if any. */
  readonly wanted: Platform | undefined;
  /** Whether to compare digests and sizes. */
  readonly verify: boolean;
  /** Receives warnings about the image, which may be turned into errors. */
  readonly warn: Warn;
  /** Receives warnings about the request, which never become errors. */
  readonly warnOnly: Warn;
}

/** A layer, as the documents of its image describe it. Nothing is open yet. */
export interface FoundLayer {
  /** Path among the image's files. */
  readonly file: string;
  readonly mediaType: string;
  readonly digest?: Digest;
  readonly claimedSize?: number;
  readonly legacyId?: string;
  readonly imageId?: string;
  readonly tags: readonly string[];
  readonly origins?: readonly LayerOrigin[];
  /** URLs where its maker offers it, if registries may not distribute it. */
  readonly foreign?: readonly string[];
  /** Why it cannot be read, as far as its descriptor shows. */
  readonly problem?: DimgxError;
}

/** The minimum that a form supplies; `assembleImage` derives the rest. */
export interface FoundImage {
  readonly id: string;
  readonly manifestDigest?: Digest;
  readonly tags: readonly string[];
  /** An index declares that it is for the platform that was asked for, so what its config says does not matter. */
  readonly isForPlatform?: boolean;
  readonly config: ParsedConfig;
  /** The documents around the config. */
  readonly documents?: Omit<ImageDocuments, 'config'>;
  /** What is malformed in the documents around the config without changing what is read; printable. */
  readonly oddities?: readonly string[];
  /** Oldest to newest. */
  readonly layers: readonly FoundLayer[];
}

/**
 * One form that an image among files can have. Each file in this folder that is named after a form exports these, and
 * `forms.ts` lists it.
 */
export interface Form {
  /** How users write references to it: to a directory, and to an archive if that is written in another way. */
  readonly usages: readonly [directory: Usage, archive?: Usage];
  /** Names at the top of the files that hint at this form. Other forms may have them, too. */
  readonly marks: readonly string[];
  /** Whether the files have this form, by what is at their top. */
  recognises(documents: Documents): Promise<boolean>;
  /** Lists everything that is there, whether it can be read or not. */
  list(documents: Documents, verify: boolean): Promise<readonly ListedImage[]>;
  /** Finds the image and reads its documents; opens no layer. */
  find(request: FormRequest): Promise<FoundImage>;
}
