/**
 * The one-way rule between the rooms of the code; ARCHITECTURE.md explains it.
 * commands -> cli -> app -> transfer -> {open, engine} -> lease -> {schedule, http, net, disk}; the
 * entries of the threads, workers/, see lease, and verify for hashes
 */
const rooms = [
  'commands',
  'cli',
  'app',
  'transfer',
  'open',
  'engine',
  'lease',
  'schedule',
  'http',
  'net',
  'disk',
  'verify',
  'formats',
  'sources',
];

/** Rooms that each room may import, besides itself, src/errors.ts, src/limits.ts and src/log.ts. */
const allowed = {
  commands: ['cli', 'app', 'transfer'],
  cli: ['app', 'transfer', 'engine', 'http'],
  app: [
    'sources',
    'transfer',
    'open',
    'engine',
    'lease',
    'schedule',
    'http',
    'net',
    'disk',
    'verify',
    'formats',
  ],
  transfer: ['open', 'engine', 'lease', 'schedule', 'http', 'net', 'disk', 'verify', 'formats'],
  open: ['lease', 'http', 'net', 'disk', 'verify', 'formats'],
  engine: ['lease', 'schedule', 'http', 'net', 'disk'],
  lease: ['schedule', 'http', 'net', 'disk'],
  schedule: [],
  http: [],
  net: ['http'],
  disk: ['schedule'],
  verify: ['disk'],
  formats: ['http'],
  sources: ['http'],
};

const roomRules = rooms.map((room) => ({
  name: `room-${room}`,
  comment: `src/${room} may import only: ${allowed[room].join(', ') || 'nothing but src/errors.ts'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/[^/]+/',
    pathNot: `^src/(${[room, ...allowed[room]].join('|')})/`,
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '^src/(index|commands/)' },
      to: {},
    },
    ...roomRules,
    {
      name: 'pure-rooms',
      comment: 'schedule and http are pure: nothing but errors, no Node modules, no packages',
      severity: 'error',
      from: { path: '^src/(schedule|http)/' },
      to: { pathNot: '^src/(schedule|http|errors\\.ts)' },
    },
    {
      name: 'workers-rooms',
      comment: 'an entry of a thread wires lease or verify to its messages, and nothing else',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^src/[^/]+/|^node_modules/', pathNot: '^src/(lease|verify|disk)/' },
    },
    {
      name: 'nothing-imports-workers',
      comment: 'an entry of a thread is started by its file name',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^workers/' },
    },
    {
      name: 'oclif-only-in-commands-and-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(commands|cli)/' },
      to: { path: '@oclif' },
    },
    {
      name: 'nothing-imports-commands',
      severity: 'error',
      from: { pathNot: '^src/commands/' },
      to: { path: '^src/commands/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      // The bundle has oclif in it; nothing else is.
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@oclif/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
