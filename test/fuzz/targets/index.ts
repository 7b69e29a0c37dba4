import type { Target } from '../target.js';
import { bolt } from './bolt.js';
import { commandLine } from './command-line.js';
import { compressedImages } from './compressed-images.js';
import { gzip } from './gzip.js';
import { headerScanner } from './header-scanner.js';
import { headers } from './headers.js';
import { images } from './images.js';
import { json } from './json.js';
import { layers } from './layers.js';
import { pax } from './pax.js';
import { tarSplit } from './tar-split.js';

export const TARGETS: readonly Target[] = [
  headerScanner,
  pax,
  headers,
  gzip,
  json,
  commandLine,
  layers,
  images,
  compressedImages,
  tarSplit,
  bolt,
];
