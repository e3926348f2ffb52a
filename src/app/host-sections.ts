/** What the user has set for hosts. */
export { hostBounds, sectionsFor } from '../open/host-sections.js';
export type { HostSection, HostValues } from '../open/host-values.js';
