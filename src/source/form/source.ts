import type { DimgxError, Warn } from '../../errors.js';
import type { ParsedConfig } from '../../image/config.js';
import type { ListedImage } from '../../image/listed-image.js';
import type { Platform } from '../../image/platform.js';
import type { Digest } from '../../reference/digest.js';
import type { Documents } from './documents.js';

/** What a source is asked for. */
export interface SourceRequest {
  readonly documents: Documents;
  /** Which image: a name, tag, ID, digest, or `@N`. None: the only one. */
  readonly selector: string | undefined;
  /** The platform that was asked for, if any was. */
  readonly wanted: Platform | undefined;
  /** Whether digests and sizes are compared. */
  readonly verify: boolean;
  /** Takes warnings about the image, which may be errors. */
  readonly warn: Warn;
  /** Takes warnings about the request, which never are. */
  readonly tell: Warn;
}

/** A layer, as its source's documents tell of it; nothing of it is open. */
export interface FoundLayer {
  /** Among the image's files. */
  readonly file: string;
  readonly mediaType: string;
  readonly digest?: Digest;
  readonly claimedSize?: number;
  readonly legacyId?: string;
  readonly imageId?: string;
  readonly tags: readonly string[];
  /** Where its maker offers it, if registries may not hand it on. */
  readonly foreign?: readonly string[];
  /** Why it cannot be read, as its descriptor tells. */
  readonly problem?: DimgxError;
}

/** The minimum that a source supplies; `assembleImage` derives the rest. */
export interface FoundImage {
  readonly id: string;
  readonly manifestDigest?: Digest;
  readonly tags: readonly string[];
  /** An index says that it is for the platform that was asked for; what its config says then does not matter. */
  readonly isForPlatform?: boolean;
  readonly config: ParsedConfig;
  /** What is malformed in the documents around the config without deciding what is read; printable. */
  readonly oddities?: readonly string[];
  /** Oldest to newest. */
  readonly layers: readonly FoundLayer[];
}

/** One form in which an image lies among files. Each file of this folder that is named after a form exports these. */
export interface Source {
  /** As users name it; with `-archive` behind it where the files lie in an archive, if it does not end so already. */
  readonly transport: 'docker-archive' | 'oci' | 'dir';
  /** Whether the files have this form, by what lies at their top. */
  recognises(documents: Documents): Promise<boolean>;
  /** Lists all that is there, whether it can be read or not. */
  list(documents: Documents, verify: boolean): Promise<readonly ListedImage[]>;
  /** Finds the image and reads its documents; opens no layer. */
  find(request: SourceRequest): Promise<FoundImage>;
}
