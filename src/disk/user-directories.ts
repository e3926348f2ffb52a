/** Where our directories of the user are. */
import os from 'node:os';
import path from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What may be lost: `$SLUICE_CACHE_DIR`, else `sluice` in `$XDG_CACHE_HOME` or in `~/.cache`. */
export function cacheDirectory(env: Environment): string {
  return userDirectory(env['SLUICE_CACHE_DIR'], env['XDG_CACHE_HOME'], '.cache');
}

/** What is known of earlier runs: `$SLUICE_STATE_DIR`, else `sluice` in `$XDG_STATE_HOME` or in `~/.local/state`. */
export function stateDirectory(env: Environment): string {
  const fallback = path.join('.local', 'state');
  return userDirectory(env['SLUICE_STATE_DIR'], env['XDG_STATE_HOME'], fallback);
}

/** What the user has set: `$SLUICE_CONFIG_DIR`, else `sluice` in `$XDG_CONFIG_HOME` or in `~/.config`. */
export function configDirectory(env: Environment): string {
  return userDirectory(env['SLUICE_CONFIG_DIR'], env['XDG_CONFIG_HOME'], '.config');
}

/** @param fallback below the home directory */
function userDirectory(
  ours: string | undefined,
  base: string | undefined,
  fallback: string,
): string {
  if (ours !== undefined && ours !== '') return ours;
  // The specification of the XDG base directories says that a relative path is to be ignored.
  const isGiven = base !== undefined && path.isAbsolute(base);
  return path.join(isGiven ? base : path.join(os.homedir(), fallback), 'sluice');
}
