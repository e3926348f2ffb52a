/** Small files that the user names. */
export { readSmallFile, readSmallText } from '../disk/open.js';
