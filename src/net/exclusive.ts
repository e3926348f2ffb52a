/**
 * A name that only one process on the machine can hold, freed by the kernel however the process
 * ends: nothing is left behind that a later run would have to judge stale.
 */
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A held name. */
export interface Exclusive {
  release(): Promise<void>;
}

/** Linux has abstract socket names and Windows named pipes; elsewhere a socket file has to do. */
function address(name: string): string {
  if (process.platform === 'linux') return `\0sluice:${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\sluice-${name}`;
  return join(tmpdir(), `sluice-${name}.lock`);
}

/**
 * Takes the name, or returns null when another process holds it.
 * @param name letters and digits only, at most 64
 */
export function holdExclusive(name: string): Promise<Exclusive | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(address(name), () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
