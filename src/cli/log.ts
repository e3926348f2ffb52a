/** The log of a run: pino to a file, readable lines to standard error, or both. */
import type { LevelWithSilent, Logger } from 'pino';
import { openLogFile } from '../app/files.js';
import { MAX_DETAIL, MAX_MESSAGE, SluiceError, shortened } from '../errors.js';
import { silentLog, type Log, type LogFields } from '../log.js';
import { showText, redactUrl } from '../http/redact.js';
import { VERSION } from '../version.js';
import { escapeJsonLine } from '../http/redact.js';

export interface LogOptions {
  /** Takes newline-delimited JSON; created with mode 0600, appended to when it exists. */
  file?: string | undefined;
  /** Readable lines through `note`. */
  verbose: boolean;
  /** Takes a line for a person; by default standard error. */
  note?: (line: string) => void;
}

export type OpenLog = Log & { close(): void };

const REDACTED = '[redacted]';

/** Names of the headers stay, their values do not. */
function redactHeaders(headers: unknown): unknown {
  if (Array.isArray(headers)) {
    return headers.map((field: unknown) =>
      Array.isArray(field) ? [field[0], REDACTED] : REDACTED,
    );
  }
  if (typeof headers !== 'object' || headers === null) return REDACTED;
  return Object.fromEntries(Object.keys(headers).map((name) => [name, REDACTED]));
}

const redactUrlField = (url: unknown): unknown =>
  typeof url === 'string' || url instanceof URL ? redactUrl(String(url)) : REDACTED;

/** Fields that may hold a secret, and what is written instead. */
const SERIALIZERS: Record<string, (value: unknown) => unknown> = {
  url: redactUrlField,
  location: redactUrlField,
  headers: redactHeaders,
};

/** Fields whose texts are excerpts where they are long; those with a serializer have bounds of their own. */
function bounded(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Object.hasOwn(SERIALIZERS, name) ? value : boundedValue(value),
    ]),
  );
}

function boundedValue(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value, MAX_MESSAGE);
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS).map(boundedValue) : value;
}

/** Items of a list in the log. */
const MAX_ITEMS = 64;

/** What pino adds to every line and a person need not read. */
const OWN_FIELDS = new Set(['level', 'time', 'pid', 'msg']);

/** One line of pino's JSON as a person reads it: `sluice: debug: message (name=value, ...)`. */
export function readableLine(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(record)
    .filter(([name]) => !OWN_FIELDS.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const tail = fields.length > 0 ? ` (${fields.join(', ')})` : '';
  const line = `sluice: ${String(record['level'])}: ${String(record['msg'])}${tail}`;
  return showText(line, MAX_DETAIL);
}

/**
 * Opens the log. Without a file and not verbose it is silent, and pino is not even loaded.
 * @throws SluiceError DISK_* when the file cannot be opened
 */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const { file, verbose } = options;
  if (file === undefined && !verbose) return { ...silentLog, close: () => undefined };
  const { pino } = await import('pino');
  const note = options.note ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const target = file === undefined ? null : openLogFile(file, (what) => note(`sluice: ${what}`));
  const level: LevelWithSilent = 'debug';
  const streams = [
    ...(target === null ? [] : [{ level, stream: { write: toFile(target) } }]),
    ...(verbose ? [{ level, stream: { write: (line: string) => note(readableLine(line)) } }] : []),
  ];
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: SERIALIZERS,
    },
    pino.multistream(streams),
  );
  const log = methods(logger);
  const { version: node, platform, arch } = process;
  log.info({ version: VERSION, node, platform, arch }, 'sluice');
  return { ...log, close: () => target?.close() };
}

/** Writes each line of pino's with what a terminal might obey escaped. */
const toFile =
  (file: { write(line: string): void }) =>
  (line: string): void =>
    file.write(escapeJsonLine(line.trimEnd()) + '\n');

function methods(logger: Logger): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: LogFields, message: string): void =>
      logger[level](bounded(fields), shortened(message, MAX_MESSAGE));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Writes the error that ends a command. */
export function logError(log: Log, thrown: unknown): void {
  const { code, exitStatus, message, details } = SluiceError.from(thrown);
  log.error({ code, exitStatus, ...details }, message);
}
