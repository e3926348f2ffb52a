/** Addresses that the user gives. */
export { parseOverride } from '../net/overrides.js';
