/**
 * The one-way rule between the rooms of the code; ARCHITECTURE.md explains it.
 * commands -> cli -> app -> transfer -> {open, engine} -> {schedule, http, net, disk, verify, formats}
 */
const rooms = [
  'commands',
  'cli',
  'app',
  'transfer',
  'open',
  'engine',
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
    'schedule',
    'http',
    'net',
    'disk',
    'verify',
    'formats',
  ],
  transfer: ['open', 'engine', 'schedule', 'http', 'net', 'disk', 'verify', 'formats'],
  open: ['http'],
  engine: ['schedule', 'http', 'net', 'disk'],
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
      comment:
        'workers see http, net, disk, verify and schedule; never oclif, never a pretty-printer',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^src/(commands|cli|app|transfer|engine|formats)/|node_modules/(@oclif|pino)' },
    },
    {
      name: 'transfer-to-workers',
      comment:
        'the first lease runs in the main thread, so the engine may see lease and protocol; transfer too',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(transfer|engine)/' },
      to: { path: '^workers/', pathNot: '^workers/protocol\\.ts' },
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
      to: { dependencyTypes: ['npm-dev'] },
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
