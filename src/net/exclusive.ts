/**
 * Sockets that say that a process lives: the kernel closes them however it ends, so nothing has to be
 * judged by its age.
 */
import { connect, createServer } from 'node:net';

/** A held name. */
export interface Exclusive {
  release(): Promise<void>;
}

/** What is known of whoever made a socket: alive, dead for certain, or neither. */
export type Answer = 'alive' | 'dead' | 'unknown';

/**
 * Linux has abstract socket names, which belong to the network namespace, and Windows has named
 * pipes. Elsewhere there is no such name, and a file in a temporary directory would outlive its process.
 */
function address(name: string): string | null {
  if (process.platform === 'linux') return `\0sluice:${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\sluice-${name}`;
  return null;
}

/**
 * Takes a name that only one process can hold, or returns null when another one has it. Where the
 * system has no such names, everybody gets it.
 * @param name letters and digits only, at most 64
 */
export async function holdExclusive(name: string): Promise<Exclusive | null> {
  const at = address(name);
  if (at === null) return { release: () => Promise.resolve() };
  try {
    return await listen(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
}

/** Whether a process holds the name, as far as the system can tell: see {@link holdExclusive}. */
export async function isHeld(name: string): Promise<boolean> {
  const at = address(name);
  return at !== null && (await answersAt(at)) === 'alive';
}

/**
 * Makes a socket in the file system and listens there. Unlike an abstract name it is found by its
 * inode: from every network namespace, and through every mount. Releasing removes it.
 * @returns null where the file system or the system has no such sockets
 */
export async function listenAt(path: string): Promise<Exclusive | null> {
  try {
    return await listen(path);
  } catch {
    return null;
  }
}

/** Whether the process that made a socket in the file system is alive, on this machine. */
export function answersAt(path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const { code } = error;
      // EAGAIN: it listens, but has no time to accept.
      if (code === 'EAGAIN') resolve('alive');
      else resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'dead' : 'unknown');
    });
  });
}

function listen(at: string): Promise<Exclusive> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
