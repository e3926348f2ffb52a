/** Lines to a stream whose reader may go away. */

/** The part of a stream that is used. */
export interface Sink {
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const guarded = new WeakSet<Sink>();
const closed = new WeakSet<Sink>();

/**
 * Keeps a stream that fails (EPIPE, a full disk behind a redirection) from ending the process:
 * after the first error nothing more is written to it. Guarding twice does no harm.
 */
export function guard(stream: Sink): void {
  if (guarded.has(stream)) return;
  guarded.add(stream);
  stream.on('error', () => closed.add(stream));
}

/** A function that writes a line to the stream, or nothing once the stream has failed. */
export function lineWriter(stream: Sink): (line: string) => void {
  guard(stream);
  return (line) => {
    if (closed.has(stream)) return;
    try {
      stream.write(`${line}\n`);
    } catch {
      closed.add(stream);
    }
  };
}
