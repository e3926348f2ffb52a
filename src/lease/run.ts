/** One lease on one connection: ask, check the answer's head, then write every byte at its offset. */
import { SluiceError } from '../errors.js';
import { encodedError, refusal } from '../http/answer.js';
import { foreignCoding } from '../http/content-coding.js';
import { parseContentRange, rangeValue } from '../http/content-range.js';
import type { ResponseHead } from '../http/head.js';
import { onTheWay } from '../http/intermediary.js';
import { isLabelledPart, readPart } from '../http/part.js';
import { isRedirect } from '../http/redirect.js';
import { writeRequest } from '../http/request.js';
import { compareValidators, differInTagAlone, readValidators } from '../http/validators.js';
import { onAbort } from '../net/calling-off.js';
import type { Answer } from '../net/exchange.js';
import type { Connection } from '../net/connection.js';
import { endpointKey } from '../net/endpoint.js';
import type { Connections } from './slots.js';
import { LeaseSink } from './sink.js';
import { LowSpeedWatch } from './low-speed.js';
import { LANE } from './task.js';
import type { LeaseOutcome, LeaseResult, LeaseTask, Slots, Source } from './task.js';

/** Where a body lies in the file: offsets in bytes, half-open. */
interface Body {
  start: number;
  end: number;
}

/** What is known of a lease while it runs. */
interface Run {
  outcome: LeaseOutcome;
  /** The number of its connection. */
  number: number;
  connection: Connection | null;
  /** The connection is another lease's now, which was asked for behind this one. */
  handedOn: boolean;
  /** Ends what the lease waits for that is no connection of its own yet. */
  calledOff: AbortController;
}

/**
 * Runs a lease to its end. It never throws: whatever happens is told in the outcome, and what was
 * written stays written.
 */
export async function runLease(
  task: LeaseTask,
  slots: Slots,
  connections: Connections,
): Promise<LeaseOutcome> {
  const run = newRun(task, null);
  const watch = watchSilence(task, slots, run);
  try {
    const answer = await ask(task, slots, connections, run);
    const bodyStart = task.start - task.headSeam;
    const body = checkHead(answer, task, bodyStart);
    if ('kind' in body) return finish(run, slots, connections, body);
    run.outcome.validators = readValidators(answer.head);
    slots.wasAnswered();
    return await receive(task, slots, connections, run, body);
  } catch (error) {
    return finish(run, slots, connections, failure(error));
  } finally {
    clearInterval(watch);
  }
}

/** How often it is looked whether a lease was given up, in milliseconds: that wakes no thread. */
const WATCH_MS = 25;

/** What a silent connection has received is written after this time, in milliseconds. */
const SILENT_MS = 100;

/**
 * A lease that hears nothing notices nothing by itself: what it has is written, and when it is given up
 * its connection is closed, whether that is open yet or not.
 */
function watchSilence(task: LeaseTask, slots: Slots, run: Run): NodeJS.Timeout {
  return setInterval(() => {
    if (run.handedOn) return;
    if (slots.isCancelled(task.slot, task.lease)) {
      run.calledOff.abort(givenUp());
      run.connection?.destroy();
    } else run.connection?.flush(SILENT_MS);
  }, WATCH_MS);
}

/** Ends a connection that is slower than the user puts up with; others go on with what it leaves. */
function watchSpeed({ deadlines }: LeaseTask, sink: LeaseSink, connection: Connection): () => void {
  const { lowSpeed } = deadlines;
  if (lowSpeed === undefined) return () => undefined;
  const watch = new LowSpeedWatch(lowSpeed, performance.now());
  const timer = setInterval(() => {
    if (!watch.isOver(sink.received, sink.isHeld, performance.now())) return;
    const { bytesPerSecond, ms } = lowSpeed;
    const message = `less than ${bytesPerSecond} bytes per second came for ${ms / 1000} s`;
    const next = 'Try again later or another source, or give another --low-speed.';
    connection.destroy(new SluiceError('LOW_SPEED', message, { next }));
  }, WATCH_MS);
  return () => clearInterval(timer);
}

const givenUp = (): SluiceError => new SluiceError('CONNECTION_LOST', 'the lease was given up');

/**
 * Receives the body of an answer whose head is checked already, as the main thread does for the
 * first answer. It never throws.
 */
export async function receiveLease(
  task: LeaseTask,
  slots: Slots,
  connections: Connections,
  connection: Connection,
  body: Body,
): Promise<LeaseOutcome> {
  const run = newRun(task, connection);
  const watch = watchSilence(task, slots, run);
  try {
    return await receive(task, slots, connections, run, body);
  } finally {
    clearInterval(watch);
  }
}

/** Receives the body of the answer on the run's connection. It never throws. */
async function receive(
  task: LeaseTask,
  slots: Slots,
  connections: Connections,
  run: Run,
  body: Body,
): Promise<LeaseOutcome> {
  const connection = run.connection as Connection;
  let sink: LeaseSink | null = null;
  try {
    sink = new LeaseSink(task, slots, body.start, body.end);
    connections.occupy(task.connection, connection);
    run.outcome.address = connection.address;
    slots.setState(task.slot, LANE.receiving);
    const endWatch = watchSpeed(task, sink, connection);
    const end = await connection.readBody(sink, task.deadlines.stallMs).finally(endWatch);
    run.handedOn = end === 'complete' && !connection.isIdle;
    // There is no other copy of what has come if the link works once.
    while (sink.isUndecided) await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    return finish(run, slots, connections, resultOf(task, slots), sink);
  } catch (error) {
    return finish(run, slots, connections, failure(error), sink);
  }
}

function newRun(task: LeaseTask, connection: Connection | null): Run {
  const calledOff = new AbortController();
  return {
    outcome: emptyOutcome(task),
    number: task.connection,
    connection,
    handedOn: false,
    calledOff,
  };
}

/** What a lease comes to of which nothing is known yet. */
export function emptyOutcome(task: LeaseTask): LeaseOutcome {
  return {
    lease: task.lease,
    slot: task.slot,
    written: task.start,
    received: 0,
    seam: null,
    dialMs: null,
    firstByteMs: null,
    validators: null,
    address: null,
    pipelined: null,
    keeps: false,
    result: { kind: 'done' },
  };
}

function resultOf(task: LeaseTask, slots: Slots): LeaseResult {
  if (slots.isCancelled(task.slot, task.lease)) return { kind: 'cancelled' };
  return slots.position(task.slot) >= slots.end(task.slot) ? { kind: 'done' } : { kind: 'short' };
}

function finish(
  run: Run,
  slots: Slots,
  connections: Connections,
  result: LeaseResult,
  sink: LeaseSink | null = null,
): LeaseOutcome {
  const { outcome, connection } = run;
  if (sink !== null) {
    outcome.written = sink.written;
    outcome.received = sink.received;
    if (result.kind === 'done') outcome.seam = sink.seam;
  }
  const cancelled = result.kind === 'failed' && slots.isCancelled(outcome.slot, outcome.lease);
  outcome.result = cancelled ? { kind: 'cancelled' } : result;
  slots.setState(outcome.slot, LANE.idle);
  if (connection !== null) {
    outcome.keeps = connection.isIdle || run.handedOn;
    if (connection.isIdle) connections.keep(connection);
    else if (!run.handedOn) connection.destroy();
    connections.vacate(run.number, connection);
  }
  return outcome;
}

function failure(thrown: unknown): LeaseResult {
  const error = SluiceError.from(thrown);
  if (error.code === 'CHANGED') return { kind: 'changed', by: 'seam', error: error.toRecord() };
  return { kind: 'failed', error: error.toRecord() };
}

/**
 * Asks behind the lease that the connection receives now, if it is such a connection; else waits
 * for the end of that lease. Null when the request still has to be sent.
 */
async function askBehind(
  task: LeaseTask,
  slots: Slots,
  connections: Connections,
  run: Run,
): Promise<Answer | null> {
  const number = task.connection;
  const connection = connections.occupied(number);
  if (task.pipelinedMs === null || connection === null) return null;
  const { signal } = run.calledOff;
  if (!connection.mayPipeline || !leadsTo(connection, task.source)) {
    await connections.vacant(number, signal);
    return null;
  }
  slots.setState(task.slot, LANE.waiting);
  const forget = onAbort(signal, () => connection.forgoPipelined());
  try {
    const answer = await connection.pipeline(requestBytes(task), 'GET', task.pipelinedMs);
    run.connection = connection;
    run.outcome.address = connection.address;
    run.outcome.pipelined = 'answered';
    return answer;
  } catch {
    // Whatever went wrong, nothing is lost by asking on a connection of its own.
    run.outcome.pipelined = 'in-vain';
    return null;
  } finally {
    forget();
  }
}

function leadsTo({ key, address }: Connection, { endpoint }: Source): boolean {
  if (key !== endpointKey(endpoint)) return false;
  return endpoint.addresses.some((each) => each.address === address);
}

/** Dials if need be and asks; a kept connection that turns out closed is replaced once. */
async function ask(
  task: LeaseTask,
  slots: Slots,
  connections: Connections,
  run: Run,
): Promise<Answer> {
  const answer = await askBehind(task, slots, connections, run);
  checkWanted(task, slots);
  if (answer !== null) return answer;
  const bytes = requestBytes(task);
  for (;;) {
    slots.setState(task.slot, LANE.connecting);
    const { connection, reused } = await connections.take(
      task.source.endpoint,
      task.deadlines.connectMs,
      task.slab,
      run.calledOff.signal,
    );
    run.connection = connection;
    checkWanted(task, slots);
    run.outcome.address = connection.address;
    run.outcome.dialMs = reused ? null : connection.dialMs;
    slots.setState(task.slot, LANE.waiting);
    const started = performance.now();
    try {
      const answer = await connection.request(bytes, 'GET', task.deadlines.firstByteMs);
      run.outcome.firstByteMs = performance.now() - started;
      return answer;
    } catch (error) {
      if (!reused || !(error instanceof SluiceError) || error.code !== 'CONNECTION_LOST')
        throw error;
    }
  }
}

/**
 * Opening a connection can outlast the download: nothing may be asked, and nothing written, for a
 * lease that was given up meanwhile.
 */
function checkWanted(task: LeaseTask, slots: Slots): void {
  if (slots.isCancelled(task.slot, task.lease)) throw givenUp();
}

function requestBytes({ source, start, headSeam, askEnd }: LeaseTask): Buffer {
  const at = startOf(source);
  const fields: Array<[string, string]> = [...source.fields];
  fields.push(['Range', rangeValue(at + start - headSeam, askEnd === null ? null : at + askEnd)]);
  if (source.ifRange !== null) fields.push(['If-Range', source.ifRange]);
  return writeRequest({ method: 'GET', target: source.target, host: source.host, fields });
}

/** Checks the head before a byte reaches the disk (P6, P9, P10); where the body lies, when all is as asked. */
function checkHead(
  { head, framing }: Answer,
  task: LeaseTask,
  bodyStart: number,
): LeaseResult | Body {
  if (isRedirect(head)) return { kind: 'redirected', status: head.status };
  const at = startOf(task.source);
  const isPart = head.status === 206 || isLabelledPart(head, framing, at + bodyStart);
  if (head.status === 200 && !isPart) return ignoredRange(head, task.source);
  if (head.status === 416 && isOfOtherLength(head, task.source)) {
    return changed(`its length is another one${onTheWay(head)}`);
  }
  if (!isPart) return { kind: 'failed', error: refusal(head).toRecord() };
  if (foreignCoding(head, task.source.expected) !== null)
    return { kind: 'failed', error: encodedError(head).toRecord() };
  // A server that overlooks the end of a range says so: the rest of its body is left unread.
  const part = readPart(head, framing, at + bodyStart);
  const { expected } = task.source;
  const total = wholeOf(task.source);
  if (part.total !== null && part.total !== total) {
    return changed(`its length is now ${part.total} bytes, it was ${total}${onTheWay(head)}`);
  }
  const compared = compareTo(task.source, head);
  if (compared === 'different') {
    return changed(`its validator is another one${onTheWay(head)}`);
  }
  if (part.total === null && compared !== 'same' && !expected.digest)
    return { kind: 'failed', error: ofNothing(head).toRecord() };
  if (part.kind === 'whole') return ignoredRange(head, task.source);
  return { start: part.start - at, end: part.end - at };
}

/** Whether a 416 tells another length than the one that is known (RFC 9110 section 15.5.17). */
function isOfOtherLength(head: ResponseHead, source: Source): boolean {
  const total = wholeOf(source);
  const value = head.fields.get('content-range');
  const range = value === undefined ? null : parseContentRange(value);
  return range !== null && range.total !== null && range.total !== total;
}

/** Whether an answer is of the representation that is known. Where only the tag denies it, a digest decides. */
function compareTo(
  { validators, expected }: Source,
  head: ResponseHead,
): ReturnType<typeof compareValidators> {
  const seen = readValidators(head);
  if (expected.digest && differInTagAlone(validators, seen)) return 'unproven';
  return compareValidators(validators, seen);
}

/** A 200 to a range: another representation, or a server that does not serve this range. */
function ignoredRange(head: ResponseHead, source: Source): LeaseResult {
  if (compareTo(source, head) === 'different') {
    return changed(`the server answered with the whole of another one${onTheWay(head)}`);
  }
  return {
    kind: 'ignored',
    why: `the server answered a range with the whole file (${head.status})${onTheWay(head)}`,
  };
}

/** Neither the length nor a validator says what a part is of: nothing but its edges would be compared (P6). */
function ofNothing({ status }: ResponseHead): SluiceError {
  return new SluiceError(
    'HTTP_RANGE_MISMATCH',
    'the server sent a part, and neither length nor validator of the whole',
    { httpStatus: status, next: 'Try --connections 1, or give --checksum.' },
  );
}

function changed(how: string): LeaseResult {
  const error = new SluiceError('CHANGED', `the representation changed on the server: ${how}`, {
    next: 'Run `sluice get URL` to fetch the new one from the start.',
  });
  return { kind: 'changed', by: 'validator', error: error.toRecord() };
}

/** Offset in the representation of the file's first byte. */
const startOf = ({ part }: Source): number => part?.start ?? 0;

/** Length of the representation. */
const wholeOf = ({ part, total }: Source): number | null =>
  part === undefined ? total : part.whole;
