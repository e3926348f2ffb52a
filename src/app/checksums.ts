/** Checksums as the user writes them. */

/** Whether a checksum of the user's is a list of them: `@FILE` or a URL. */
export const isChecksumList = (text: string): boolean => /^(@|https?:\/\/)/i.test(text);

export { parseChecksum } from '../verify/checksum.js';
