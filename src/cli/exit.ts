/** The exit statuses and errors as the user reads them. */
import type { ErrorEvent } from '../transfer/events.js';
import { EXIT_STATUSES, MAX_DETAIL, type SluiceError } from '../errors.js';
import { showText } from '../http/redact.js';

/** The table of exit statuses for `--help`: one line each, without a final line feed. */
export function exitTable(): string {
  return Object.entries(EXIT_STATUSES)
    .map(([status, meaning]) => `${status.padEnd(5)}${meaning}`)
    .join('\n');
}

/** What the description of an error is made from. */
type Described = Omit<Partial<ErrorEvent>, 'type'> &
  Pick<ErrorEvent, 'code' | 'exitStatus' | 'message'>;

/** An error event as lines for standard error: what happened, where, what is kept, what to do. */
export function describeErrorEvent(event: Described): string[] {
  const lines = [`sluice: ${showText(event.message)}`];
  const say = (label: string, text: string | undefined): void => {
    if (text) lines.push(`  ${label}: ${showText(text, MAX_DETAIL)}`);
  };
  say('url', event.url);
  say('file', event.path);
  say('kept', event.kept);
  say('next', event.next);
  lines.push(`  (${event.code}, exit status ${event.exitStatus})`);
  return lines;
}

/** The same for an error that no event has told. */
export function describeError(error: SluiceError): string[] {
  const { code, exitStatus, message, details } = error;
  return describeErrorEvent({ ...details, code, exitStatus, message });
}

/** The `error` event that tells `error` about one file. */
export function errorEvent(
  error: SluiceError,
  file: { url: string; path: string; index?: number },
): ErrorEvent {
  const { kept, next, httpStatus } = error.details;
  return {
    type: 'error',
    url: file.url,
    path: file.path,
    ...(file.index !== undefined && { index: file.index }),
    code: error.code,
    exitStatus: error.exitStatus,
    message: error.message,
    ...(kept !== undefined && { kept }),
    ...(next !== undefined && { next }),
    ...(httpStatus !== undefined && { httpStatus }),
  };
}
