import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/** Bytes go to the disk through src/disk only, and to the network through src/net only. */
const diskOnly = ['fs', 'node:fs', 'fs/promises', 'node:fs/promises'];
const netOnly = [
  'net',
  'node:net',
  'tls',
  'node:tls',
  'dns',
  'node:dns',
  'dns/promises',
  'node:dns/promises',
];
const neverHttp = ['http', 'node:http', 'https', 'node:https', 'http2', 'node:http2'];

/**
 * A regular expression whose time grows with the square of its input, or faster, hangs the process
 * on a document of a megabyte (P26). `report: 'potential'`: what may be one is one, for any of them
 * may meet a text from outside some day. test/security/regular-expressions.test.ts measures them too.
 */
const fromOutside = {
  'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
  'regexp/no-super-linear-move': ['error', { report: 'potential' }],
  'no-restricted-syntax': [
    'error',
    {
      selector: 'ImportSpecifier[imported.name="escapeControl"]',
      message: 'what is shown is an excerpt, too: showText',
    },
    {
      selector: ':matches(NewExpression, CallExpression)[callee.name="RegExp"]',
      message: 'write the expression as a literal: what is made at run time cannot be checked',
    },
  ],
};

const forbid = (names, message) => names.map((name) => ({ name, message }));

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'coverage/**',
      'reports/**',
      '.stryker-tmp/**',
      'docs/**',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({
    ...config,
    files: ['**/*.ts'],
  })),
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'max-lines-per-function': ['error', { max: 90, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 20],
      eqeqeq: 'error',
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'workers/**/*.ts', 'bin/*.js'],
    plugins: { regexp },
    rules: fromOutside,
  },
  {
    files: ['src/**/*.ts', 'workers/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...forbid(diskOnly, 'only src/disk touches files'),
            ...forbid(netOnly, 'only src/net touches sockets'),
            ...forbid(neverHttp, 'the exchange is our own: src/http and src/net'),
          ],
        },
      ],
    },
  },
  {
    files: ['src/disk/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...forbid(netOnly, 'only src/net touches sockets'),
            ...forbid(neverHttp, 'the exchange is our own: src/http and src/net'),
          ],
        },
      ],
    },
  },
  {
    files: ['src/net/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...forbid(diskOnly, 'only src/disk touches files'),
            ...forbid(neverHttp, 'the exchange is our own: src/http and src/net'),
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      'max-lines-per-function': 'off',
      'max-lines': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-control-regex': 'off' },
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        module: 'writable',
      },
    },
  },
  {
    files: ['bin/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', __dirname: 'readonly' },
    },
  },
  prettier,
);
