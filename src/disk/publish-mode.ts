/** What to do when the final name is taken. */
export const PUBLISH_MODES = ['fail', 'overwrite', 'rename'] as const;
export type PublishMode = (typeof PUBLISH_MODES)[number];
