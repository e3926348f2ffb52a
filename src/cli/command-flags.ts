/** The flags that each command adds to those of `flags.ts`. */
import * as Flags from '@oclif/core/flags';
import {
  REPEATABLE,
  configFileAsCurl,
  manyFlags,
  sharedFlags,
  toggle,
  traceFlags,
} from './flags.js';

export const getFlags = {
  url: Flags.string({
    ...REPEATABLE,
    description: 'the same as the argument',
    helpValue: 'URL',
  }),
  metalink: Flags.string({
    ...REPEATABLE,
    description:
      'download the files that a Metalink (3 or 4) names, from several of its sources at the same time',
    helpValue: 'FILE|URL',
  }),
  mirror: Flags.string({
    ...REPEATABLE,
    description:
      'another URL of the same file, used at the same time where a digest is known (--checksum, a Metalink), else when the first one fails; no header or credential of the first one is sent there, and s3:// and the like have their own',
    helpValue: 'URL',
  }),
  output: Flags.string({
    char: 'o',
    description: 'path of the file; - is standard output, in order',
    helpValue: 'PATH',
  }),
  window: Flags.string({
    description: 'memory for what is fetched ahead of the reader of standard output',
    default: '64M',
    helpValue: 'SIZE',
    env: 'SLUICE_WINDOW',
  }),
  dir: Flags.string({
    char: 'd',
    description: 'directory for the file',
    helpValue: 'DIR',
    env: 'SLUICE_DIR',
  }),
  range: Flags.string({
    description:
      'only these bytes, both ends included: START-END, START- or -LAST; the file is called NAME.bytes-START-END',
    helpValue: 'START-END',
  }),
  timestamping: toggle({
    char: 'N',
    description:
      'only if the server has something newer than the file that is there, which it replaces; the file gets the time of change that the server tells',
  }),
  'on-exists': Flags.option({
    description: 'when the target exists and is not this very download',
    options: ['fail', 'overwrite', 'rename', 'skip'] as const,
    default: 'fail',
    env: 'SLUICE_ON_EXISTS',
  })(),
  // What curl, wget and aria2 are told, and is always done here.
  location: Flags.boolean({ char: 'L', hidden: true }),
  continue: Flags.boolean({ char: 'c', hidden: true }),
  ...manyFlags,
  ...sharedFlags,
  ...configFileAsCurl,
  ...traceFlags,
};

export const resumeFlags = {
  all: toggle({
    description: 'every unfinished download of the directories (this one)',
  }),
  insist: toggle({
    description:
      'continue although the server gives nothing that proves the kept bytes are of the same file',
  }),
  url: Flags.string({
    description:
      'a fresh link to the same file, when the old one has expired; what is kept is used if length and validator, bytes of it, or a digest prove that it is the same',
    helpValue: 'URL',
  }),
  jobs: manyFlags.jobs,
  'per-host': manyFlags['per-host'],
  ...sharedFlags,
  ...configFileAsCurl,
  ...traceFlags,
};

/** The flag, but for what help says of it. */
function changed<Flag extends object>(
  flag: Flag,
  help: { hidden?: true; description?: string },
): Flag {
  return { ...flag, ...help };
}

/** Flags of `get` that `info` takes, so that `get` can be replaced by it, and has no use for. */
const UNUSED = [
  ...(['checksum', 'color', 'lanes', 'limit-rate', 'low-speed', 'no-progress'] as const),
  ...(['preallocate', 'print', 'quiet', 'sync', 'threads'] as const),
];

/** What every command takes, as `info` tells it. */
const shownFlags: typeof sharedFlags = {
  ...sharedFlags,
  ...Object.fromEntries(UNUSED.map((name) => [name, changed(sharedFlags[name], { hidden: true })])),
  json: changed(sharedFlags.json, { description: 'one JSON object on standard output' }),
};

export const infoFlags = {
  trace: Flags.string({
    description: 'tell what `get --trace FILE` or `resume --trace FILE` has recorded',
    helpValue: 'FILE',
  }),
  html: Flags.string({
    description: 'with --trace, draw it as a page as well: one file, to be opened in a browser',
    helpValue: 'OUT',
  }),
  config: toggle({
    description:
      'tell what is set, and where: by a flag, a variable, the configuration or by default; with a URL, for its host',
  }),
  ...shownFlags,
  output: Flags.string({ char: 'o', hidden: true }),
};
