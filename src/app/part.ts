/** A part of a file as a download of its own (`--range`). */
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
import { parsePart } from '../http/part-of-file.js';
import type { WantedPart } from '../http/part-of-file.js';
import type { DownloadOptions } from '../transfer/options.js';

/**
 * Reads `START-END` (both included), `START-` or `-LAST`.
 * @throws SluiceError USAGE
 */
export function readPartOption(text: string): WantedPart {
  const part = parsePart(text);
  if (part !== null) return part;
  const message = `--range takes START-END (both included), START- or -LAST, not ${redactWords(text)}`;
  throw new SluiceError('USAGE', message, {
    next: 'Write --range 0-1023 for the first 1024 bytes, --range -1024 for the last.',
  });
}

/**
 * The options of the download of a part. What a document says of the whole file does not hold of a part.
 * @param isGiven the user gave a digest, which cannot be passed over
 * @throws SluiceError USAGE for a digest of the user's: that of the whole cannot be checked
 */
export function partOptions(
  options: DownloadOptions,
  range: WantedPart | null,
  isGiven: boolean,
): DownloadOptions {
  if (range === null) return options;
  const { checksums, checksumLists, size, pieces } = options;
  if (isGiven)
    throw new SluiceError('USAGE', '--checksum is of the whole file, and --range fetches a part', {
      next: 'Leave one of them out; hash the part yourself if you know its digest.',
    });
  const digests = checksums.length + checksumLists.length;
  const isDescribed = digests > 0 || size !== null || pieces !== null;
  const warning = 'Digests and lengths of the whole file are not checked: only a part is fetched.';
  return {
    ...options,
    range,
    checksums: [],
    checksumLists: [],
    size: null,
    pieces: null,
    warnings: isDescribed ? [...options.warnings, warning] : options.warnings,
  };
}
