/** Flags that are not ours: what they are called here, or which of ours was meant. Pure. */
import { nearest } from './words.js';

/** Flags of curl, wget and aria2 that mean nothing here, or something else, in a line each. */
const FOREIGN: Readonly<Record<string, string>> = {
  '-O': 'The file gets the name that the server gives; `-o PATH` chooses another one.',
  '-s': 'Connections to a file are `-n 8` (aria2: -s), and `-q` is quiet (curl: -s).',
  '-C': 'Leave it out: the same command, run again, continues what it left.',
  '-P': 'The directory is `-d DIR`.',
  '-z': '`-N` downloads only what is newer than the file that is there.',
  '-t': 'Tries are `--retries 5`, and times are `--stall-timeout 30s` and `--connect-timeout 30s`.',
  '-V': 'The version is told by `sluice --version`.',
  '-f': 'Leave it out: what the server refuses never becomes a file.',
  '-I': 'The head of the answer is told by `sluice info URL`.',
  '-T': 'Times are `--stall-timeout 30s`, `--connect-timeout 30s` and `--max-time 10m`.',
  '-m': 'The time for a whole download is `--max-time 10m`.',
  '-r': 'A part of a file is `--range 0-1023`.',
  '--continue-at': 'Leave it out: the same command, run again, continues what it left.',
  '--remote-name': 'Leave it out: the file gets the name that the server gives.',
  '--output-document': 'The name is chosen with `-o PATH`.',
  '--out': 'The name is chosen with `-o PATH`.',
  '--output-dir': 'The directory is `-d DIR`.',
  '--directory-prefix': 'The directory is `-d DIR`.',
  '--split': 'Connections to a file are `-n 8`.',
  '--max-connection-per-server': 'Connections to a file are `-n 8`, to a host `--per-host 16`.',
  '--max-concurrent-downloads': 'Files at once are `-j 8`.',
  '--tries': 'Tries are `--retries 5`.',
  '--max-tries': 'Tries are `--retries 5`.',
  '--retry': 'Tries are `--retries 5`.',
  '--timeout': 'Times are `--stall-timeout 30s`, `--connect-timeout 30s` and `--max-time 10m`.',
  '--silent': 'Only errors are told with `-q`.',
  '--fail': 'Leave it out: what the server refuses never becomes a file.',
  '--no-check-certificate': 'Any certificate is accepted with `-k`.',
  '--check-certificate': 'Any certificate is accepted with `-k`.',
  '--load-cookies': 'Cookies are read with `-b FILE`.',
  '--all-proxy': 'The proxy is `-x URL`.',
  '--max-overall-download-limit': 'The rate is `--limit-rate 5M`.',
  '--max-download-limit': 'The rate is `--limit-rate 5M`.',
  '--time-cond': '`-N` downloads only what is newer than the file that is there.',
};

/**
 * What is to be done about a flag that a command does not have.
 * @param flag with its dashes
 * @param names of the command's flags, without dashes
 * @returns null where nothing comes near
 */
export function meantBy(flag: string, names: readonly string[]): string | null {
  const foreign = Object.hasOwn(FOREIGN, flag) ? FOREIGN[flag] : undefined;
  if (foreign !== undefined) return foreign;
  if (!/^--[\w-]{2,40}$/.test(flag)) return null;
  const near = nearest(flag.slice(2), names);
  return near === null ? null : `Did you mean \`--${near}\`?`;
}
