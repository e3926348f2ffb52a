/** What a stream can show, from the stream itself and the environment. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of a stream that decides. */
export interface MaybeTerminal {
  isTTY?: boolean | undefined;
}

export interface TerminalTraits {
  /** Whether lines can be drawn in place. */
  live: boolean;
  color: boolean;
  unicode: boolean;
}

/** `FORCE_COLOR` decides before `NO_COLOR`, as in Node itself; both count only when not empty. */
function hasColor(live: boolean, env: Environment): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return live && !env['NO_COLOR'];
}

/** The first of these variables that is set names the character encoding (POSIX locale). */
function hasUnicode(env: Environment, platform: NodeJS.Platform): boolean {
  if (platform === 'win32') return env['WT_SESSION'] !== undefined || env['TERM'] !== undefined;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return env['TERM'] !== 'linux' && /utf-?8/i.test(locale);
}

/** Whether there are colours: as the terminal and the environment say, or whatever they say. */
export type Color = 'auto' | 'always' | 'never';

/** Whether `stream` is a terminal that can be drawn on, and with what. */
export function terminalTraits(
  stream: MaybeTerminal,
  env: Environment,
  wanted: Color = 'auto',
  platform: NodeJS.Platform = process.platform,
): TerminalTraits {
  const live = stream.isTTY === true && env['TERM'] !== 'dumb';
  return {
    live,
    color: wanted === 'auto' ? hasColor(live, env) : wanted === 'always',
    unicode: hasUnicode(env, platform),
  };
}
