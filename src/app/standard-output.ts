/** Standard output as the place of a download: bytes, never a word. */
import { SluiceError } from '../errors.js';
import { kindOfOutput, reopenedPipe, writeToOutput } from '../disk/standard-output.js';
import { pipeStream } from '../net/pipe.js';
import type { Output } from '../transfer/stream.js';

/**
 * Opens standard output for bytes.
 * @throws SluiceError USAGE when it is a terminal
 */
export function standardOutput(stdout: NodeJS.WriteStream): Output {
  if (stdout.isTTY)
    throw new SluiceError('USAGE', 'standard output is a terminal, and a file is no text', {
      next: 'Pipe it to a program, such as `sluice get URL -o - | tar x`, or name a file.',
    });
  const kind = kindOfOutput();
  const fd = kind === 'pipe' ? reopenedPipe() : null;
  if (fd !== null) return outputTo(pipeStream(fd));
  if (kind !== 'file') return outputTo(stdout);
  return {
    write: (bytes) =>
      writeToOutput(bytes).catch((error: unknown) => {
        throw lost(error as NodeJS.ErrnoException);
      }),
    close: () => undefined,
  };
}

/** A stream as the place of a download. */
function outputTo(stream: NodeJS.WritableStream & { destroy(): unknown }): Output {
  let failure: NodeJS.ErrnoException | null = null;
  let reject: ((error: SluiceError) => void) | null = null;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure = error;
    reject?.(lost(error));
  });
  return {
    write: (bytes) =>
      new Promise((done, fail) => {
        if (failure !== null) return fail(lost(failure));
        reject = fail;
        stream.write(bytes, (error) => (error ? fail(lost(error)) : done()));
      }),
    close: () => void stream.destroy(),
  };
}

/** What a failed write to standard output means. */
function lost({ code = 'EIO' }: NodeJS.ErrnoException): SluiceError {
  if (code === 'EPIPE') return new SluiceError('OUTPUT_CLOSED', 'the reader of the pipe has gone');
  const message = `standard output cannot be written: ${code}`;
  const next = 'Run the command again from the start, to a place with room.';
  return new SluiceError(code === 'ENOSPC' ? 'DISK_FULL' : 'DISK_IO', message, {
    errno: code,
    next,
  });
}
