/** Checksums as the user writes them. */
export { parseChecksum } from '../verify/checksum.js';
