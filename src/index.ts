/** `import { download, inspect } from 'sluice'`. */
export { download, inspect } from './app/library.js';
export type { LibraryOptions, RunningDownload } from './app/library.js';
export type { PathReport, UrlReport } from './app/inspect.js';
export { ERROR_CODES, EXIT_STATUSES, SluiceError } from './errors.js';
export type { ErrorCode, ErrorRecord, ExitStatus } from './errors.js';
export type { Log } from './log.js';
export type { Lane } from './engine/connections.js';
export type { DownloadEvent, DownloadSnapshot } from './transfer/events.js';
export type { LimitedBy } from './schedule/types.js';
