/** Runs commands in namespaces of their own: as a container would, or through another mount. */
import { execFileSync } from 'node:child_process';

/** What of its surroundings a command does not share with the test. */
export interface Apart {
  /** Directories, the second of which shows what is in the first (a bind mount). */
  bind?: readonly [from: string, to: string];
  /** No network at all, not even the loopback of the test. */
  network?: boolean;
  /** Process ids of its own, with a /proc that shows no others. */
  pids?: boolean;
}

/** Mounts what the first two arguments say, if they say anything, and becomes the rest. */
const SCRIPT = 'if [ -n "$1" ]; then mount --bind "$1" "$2" || exit 99; fi; shift 2; exec "$@"';

/** What to put in front of a command. A user namespace makes it possible for who is not root, too. */
export function apart({ bind = ['', ''], network = false, pids = false }: Apart): string[] {
  return [
    ...['unshare', '--user', '--map-root-user', '--mount'],
    ...(network ? ['--net'] : []),
    ...(pids ? ['--pid', '--fork', '--mount-proc'] : []),
    ...['sh', '-c', SCRIPT, 'sh', ...bind],
  ];
}

/**
 * To be called first in a suite's `before`. Where namespaces cannot be made the suite is left out with a
 * notice; under CI, where they must be, it fails.
 */
export function requireNamespaces(context: Mocha.Context): void {
  const [program = '', ...args] = [...apart({ network: true, pids: true }), 'true'];
  try {
    execFileSync(program, args, { stdio: 'pipe' });
  } catch (error) {
    const message = `namespaces cannot be made here (${String(error).split('\n').join(' ')})`;
    if (process.env['CI'])
      throw new Error(`${message}, and under CI they must be`, { cause: error });
    process.stderr.write(`left out: ${context.test?.parent?.title ?? 'suite'}: ${message}\n`);
    context.skip();
  }
}
