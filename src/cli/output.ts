/** Lines to a stream whose reader may go away. */
import { SluiceError } from '../errors.js';

/** The part of a stream that is used. */
export interface Sink {
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const guarded = new WeakSet<Sink>();
/** Streams that failed; and those of them that lost what was wanted, with the error of it. */
const closed = new WeakSet<Sink>();
const losses = new WeakMap<Sink, SluiceError>();
const listeners = new WeakMap<Sink, (error: SluiceError) => void>();

/**
 * Keeps a stream that fails (EPIPE, a full disk behind a redirection) from ending the process:
 * after the first error nothing more is written to it. Guarding twice does no harm.
 */
export function guard(stream: Sink): void {
  if (guarded.has(stream)) return;
  guarded.add(stream);
  stream.on('error', (error) => lost(stream, error));
}

function lost(stream: Sink, error: Error): void {
  if (closed.has(stream)) return;
  closed.add(stream);
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') losses.set(stream, lostOutput(error));
  const loss = losses.get(stream);
  if (loss) listeners.get(stream)?.(loss);
}

/**
 * Calls `listener` when the stream loses what is written to it: a full disk, say. A reader that has gone
 * away (EPIPE) wanted no more, so it is not told. Standard streams have one listener.
 */
export function onLost(stream: Sink, listener: (error: SluiceError) => void): void {
  listeners.set(stream, listener);
  const loss = losses.get(stream);
  if (loss) listener(loss);
}

/** What the stream lost, if it did; see {@link onLost}. */
export const lossOf = (stream: Sink): SluiceError | null => losses.get(stream) ?? null;

/** The error of a standard output that took not all that it had to. */
export function lostOutput({ code, message }: NodeJS.ErrnoException): SluiceError {
  return new SluiceError(
    code === 'ENOSPC' ? 'DISK_FULL' : 'DISK_IO',
    `standard output cannot be written: ${code ?? message}`,
    { next: 'Make room where the output goes, or send it elsewhere.' },
  );
}

/**
 * Writes what is the result, and waits until that is done. A reader that has seen enough (`| head -1`) is no failure.
 * @returns why it could not be written
 */
export async function writeOut(
  stream: NodeJS.WritableStream,
  text: string,
): Promise<SluiceError | null> {
  const lost = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
    stream.write(text, resolve),
  );
  return !lost || lost.code === 'EPIPE' ? null : lostOutput(lost);
}

/** A function that writes a line to the stream, or nothing once the stream has failed. */
export function lineWriter(stream: Sink): (line: string) => void {
  guard(stream);
  return (line) => {
    if (closed.has(stream)) return;
    try {
      stream.write(`${line}\n`);
    } catch (thrown) {
      lost(stream, thrown as Error);
    }
  };
}
