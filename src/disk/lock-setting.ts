/** What a lock depends on. */
import path from 'node:path';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { mayBeShared, thisMachine } from './machine.js';

/** Sockets in the file system, which src/net makes and asks. */
export interface Presence {
  /** Listens at a path until it is released; null where that cannot be done. */
  listenAt(path: string): Promise<{ release(): Promise<void> } | null>;
  /** Whether whoever made the socket at a path is alive. */
  answersAt(path: string): Promise<'alive' | 'dead' | 'unknown'>;
}

export interface LockOptions {
  presence: Presence;
  log?: Log;
  /** Ends the watching of a beat. */
  signal?: AbortSignal;
  /** Called before a beat is watched, for so many milliseconds. */
  onWait?: (ms: number) => void;
  /** Which run of which kernel this is; default what the system says. */
  machine?: string;
  /** Whether other machines may have the directory; default what the system says. */
  shared?: boolean;
  /** A beat that stands still for so long is a dead run's, in milliseconds. */
  stillMs?: number;
  /** Time between two beats in milliseconds, much less than `stillMs`. */
  beatMs?: number;
}

export type LockSetting = Required<Omit<LockOptions, 'signal'>> & Pick<LockOptions, 'signal'>;

/** Far more than a beat takes on a slow file server: who is taken for dead must stop. */
const STILL_MS = 30_000;
const BEAT_MS = 3000;

/** The options with what the system says of a target's directory. */
export function settingFor(target: string, options: LockOptions): LockSetting {
  return {
    log: silentLog,
    onWait: () => undefined,
    machine: options.machine ?? thisMachine(),
    shared: options.shared ?? mayBeShared(path.dirname(target)),
    stillMs: STILL_MS,
    beatMs: BEAT_MS,
    ...options,
  };
}
