/** The kinds of sources. One more is one more file, and its name here. */
import { az } from './az.js';
import { gs } from './gs.js';
import { hf } from './hf.js';
import { s3 } from './s3.js';
import type { SourceKind } from './source.js';

export const SOURCES: readonly SourceKind[] = [hf, s3, gs, az];
