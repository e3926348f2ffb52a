/** `import { download, inspect } from 'sluice'`. */
export { createPool, download, inspect } from './app/library.js';
export type {
  DownloadPool,
  InspectOptions,
  LibraryOptions,
  Link,
  PoolOptions,
  RunningDownload,
} from './app/library.js';
export type { PathReport, UrlReport } from './app/inspect.js';
export { ERROR_CODES, EXIT_STATUSES, SluiceError } from './errors.js';
export type { ErrorCode, ErrorRecord, ExitStatus } from './errors.js';
export type { Log } from './log.js';
export type { Lane } from './engine/connections.js';
export type { DoneEvent, DownloadEvent, DownloadSnapshot } from './transfer/events.js';
export type { LimitedBy } from './schedule/types.js';
