/** Journals as anybody could write them: sealed rightly, whatever they say. */
import { encodeFrame, encodeHeader, type Frame } from '../../src/disk/journal-format.js';

const SALT = 7;

/** The bytes of a journal with these frames. */
export function journalBytes(frames: readonly Frame[], salt = SALT): Buffer {
  const parts: Uint8Array[] = [encodeHeader(salt)];
  let seed = salt;
  for (const frame of frames) {
    const encoded = encodeFrame(frame, seed);
    parts.push(encoded.bytes);
    seed = encoded.seed;
  }
  return Buffer.concat(parts);
}
