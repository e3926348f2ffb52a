/** The log that every room may write to; src/cli gives it a pino. Silent until then. */

/** A log line's fields. Never put a URL's query, userinfo or a header's value here unredacted. */
export type LogFields = Record<string, unknown>;

/** Takes lines of a log; pino's logger is one. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const nothing = (): void => undefined;

/** Whether nothing is kept, so that nothing has to be made for it. */
export const isSilent = (log: Log): boolean => log.debug === nothing;

/** A log that keeps nothing. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
