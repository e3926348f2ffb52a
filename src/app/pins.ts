/** Pinned public keys, as they are given. */
export { parsePins } from '../net/pins.js';
