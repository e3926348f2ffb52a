/** The file of `--trace`, and of the library's option `trace`. Records are gathered and written some at a time, so that a download does not wait for them. */
import { openLogFile } from '../disk/log-file.js';
import type { LinesKind } from '../disk/log-file.js';
import { escapeJsonLine } from '../http/redact.js';
import { TRACE_BEGINS, TRACE_VERSION } from '../trace.js';
import type { Trace } from '../trace.js';

/** Characters that are gathered before they are written. */
const GATHERED = 64 * 1024;

/** What was gathered is written at least so often, in milliseconds: a run that is killed loses no more. */
const WRITE_MS = 1000;

export type OpenTrace = Trace & { close(): void };

const TRACE: LinesKind = { name: 'trace', flag: '--trace', begins: TRACE_BEGINS };

/**
 * Opens the trace of a run. A trace that is there is replaced.
 * @param tell takes a sentence when the file cannot be written any more
 * @throws SluiceError as {@link openLogFile}
 */
export function openTrace(path: string, tell: (what: string) => void): OpenTrace {
  const file = openLogFile(path, tell, TRACE);
  const beganMs = performance.now();
  let gathered = '';
  const write = (): void => {
    if (gathered !== '') file.write(gathered);
    gathered = '';
  };
  const add = (record: object): void => {
    gathered += `${escapeJsonLine(JSON.stringify(record))}\n`;
    if (gathered.length >= GATHERED) write();
  };
  const now = (): number => Math.round((performance.now() - beganMs) * 10) / 10;
  const timer = setInterval(write, WRITE_MS);
  timer.unref();
  const startedAt = new Date().toISOString();
  add({ type: 'trace', version: TRACE_VERSION, node: process.version, startedAt });
  return {
    file: (index) => (record) => add({ t: now(), file: index, ...record }),
    close: () => {
      clearInterval(timer);
      add({ t: now(), type: 'end' });
      write();
      file.close();
    },
  };
}
