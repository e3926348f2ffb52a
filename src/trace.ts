/**
 * What `--trace` writes: one record a line, JSON, in the order in which it happened. `src/engine/recorder.ts`
 * and `src/app/download.ts` make the records, `src/app/trace-file.ts` writes them, `src/formats/trace.ts`
 * reads them again. Rates are bytes per second, times milliseconds since the trace began.
 */

/** Version of the form. A reader refuses a higher one. */
export const TRACE_VERSION = 1;

/** What the first line of every trace begins with. */
export const TRACE_BEGINS = '{"type":"trace",';

/** What a connection does: connecting, waiting for an answer, receiving. */
export type LaneLetter = 'c' | 'w' | 'r';

/** A record, without its time and its file. */
export type TraceRecord =
  /** A connection is asked for a range. `behind`: while it still receives the one before. `hedges`: fetched twice. */
  | {
      type: 'lease';
      lease: number;
      connection: number;
      start: number;
      end: number;
      behind?: true;
      /** The first answer, which had been asked for already: so long ago its dial, and its request, began. */
      first?: { dialMs: number; firstByteMs: number };
      hedges?: number;
    }
  /** Its range was cut at, or extended to, `end`. */
  | { type: 'cut' | 'extend'; lease: number; end: number }
  /** It is given up: its connection is slow, or another one has brought its rest. */
  | { type: 'abandon'; lease: number; why: 'slow' | 'superseded' }
  /** It is over. `[start, written)` of it is in the file. */
  | {
      type: 'ended';
      lease: number;
      result: string;
      written: number;
      received: number;
      address: string | null;
      dialMs: number | null;
      firstByteMs: number | null;
    }
  /** How many connections are wanted from now on, and what holds the download back. */
  | { type: 'level'; target: number; limitedBy: string }
  /** A round trip was measured beside the transfer; null when nothing came back in time. */
  | { type: 'roundTrip'; ms: number | null }
  /** The present: bytes received since the sample before, and each connection with its rate. */
  | { type: 'sample'; bytes: number; lanes: Array<[connection: number, LaneLetter, rate: number]> }
  /** What is told of the download as well: docs/events.md. */
  | { type: 'event'; event: object };

/** Takes the records of one file. */
export type FileTrace = (record: TraceRecord) => void;

/** Takes the records of a run. */
export interface Trace {
  /** @param index number of the file in the run, from 0 */
  file(index: number): FileTrace;
}
