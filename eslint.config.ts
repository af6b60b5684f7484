import type { ESLint } from 'eslint'
import { importX } from 'eslint-plugin-import-x'
import reactHooks from 'eslint-plugin-react-hooks'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * What can be seen in a file without knowing types; `.oxlintrc.json` has the rules that ask for them, which the native
 * compiler answers several times sooner.
 */

/** Who may import whom, stated once. A folder may always import itself; arrows follow the data's journey. */
const layers: Record<string, string[]> = {
  pack: [],
  // The words of the page in its languages; what has something to say names them by their keys.
  messages: [],
  archive: ['pack'],
  scenes: [],
  convert: ['pack', 'archive'],
  // PNG has ZIP's checksum; codecs are fetched when a picture needs one, with the patience of all requests.
  image: ['pack', 'archive', 'remote'],
  conversation: ['pack', 'archive'],
  // Captions of folders: plain data, for the page and the command line alike.
  studio: ['pack', 'archive'],
  remote: ['pack'],
  store: ['pack', 'conversation', 'studio', 'remote'],
  // The index of pictures on the device: what finds, without what sees.
  search: ['pack', 'store'],
  runtime: ['pack', 'image'],
  protocol: ['pack'],
  // Pictures of conversations are searched, and files of folders are told apart as the studio does.
  engine: [
    ...['pack', 'conversation', 'studio', 'image', 'remote', 'store'],
    ...['search', 'runtime', 'bench', 'protocol'],
  ],
  keeper: ['pack', 'archive', 'convert', 'remote', 'store', 'protocol'],
  synthetic: ['pack', 'convert'],
  bench: ['pack', 'image', 'runtime', 'protocol'],
  cli: ['pack', 'studio', 'convert', 'synthetic', 'image', 'remote', 'runtime', 'protocol'],
  state: ['pack', 'archive', 'studio', 'search', 'protocol', 'conversation', 'messages'],
  // Both have a folder named `search`, which a path cannot tell from the index of that name.
  ui: ['pack', 'scenes', 'studio', 'search', 'protocol', 'conversation', 'messages', 'state'],
}

/** Folders that run in Node, in a worker and on the page alike, so none of the three may show through. */
const anywhere = [
  'pack',
  'messages',
  'archive',
  'scenes',
  'convert',
  'synthetic',
  'remote',
  'protocol',
  'conversation',
  'studio',
  'search',
  'state',
]
const browserGlobals = ['window', 'document', 'navigator', 'indexedDB', 'caches', 'self', 'localStorage']

const refuse = (regex: string, message: string): { regex: string; message: string } => ({ regex, message })

/** What is beside src: it imports src, never the other way round. Tests may use what tests share. */
const outside = (folders: string, message: string): ReturnType<typeof refuse> =>
  refuse(`^(\\.\\./)+(${folders})/`, message)
const shipped = outside(
  'testing|lab|e2e|scripts',
  'What ships imports nothing that tests, measures or builds it',
)
const tested = outside('lab|e2e|scripts', 'What tests share lies in testing')

const tests = ['**/*.test.ts', '**/*.test.tsx', '**/*.browser-test.ts']

function boundaries(folder: string, { onnxRuntime = false } = {}): ReturnType<typeof refuse>[] {
  const allowed = layers[folder] ?? []
  const forbidden = Object.keys(layers).filter((other) => other !== folder && !allowed.includes(other))
  const rules = [
    shipped,
    refuse(
      `^\\.\\.?/(.*/)?(${forbidden.join('|')})/`,
      `${folder} may import only: ${allowed.join(', ') || 'nothing'}`,
    ),
  ]
  if (folder !== 'cli') rules.push(refuse('^node:|^sharp$|^commander$', 'Node belongs in cli'))
  if (!onnxRuntime) rules.push(refuse('^onnxruntime-', 'ONNX Runtime is reached through runtime/ort'))
  if (folder !== 'ui') rules.push(refuse('^react', 'React belongs in ui'))
  if (folder !== 'messages') rules.push(refuse('^i18next', 'Words are reached through messages'))
  return rules
}

export default defineConfig(
  { ignores: ['dist', 'src/convert/onnx/gen', 'public', 'playwright-report', 'test-results', '**/*.py'] },
  tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: {
      'import-x': importX,
      'react-hooks': reactHooks as unknown as ESLint.Plugin,
    },
    settings: {
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: 'tsconfig.node.json' })],
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    // A test's describe holds many tests; each is as long as what it tells.
    ignores: tests,
    rules: { 'max-lines-per-function': ['error', { max: 120 }] },
  },
  {
    files: ['src/**'],
    ignores: tests,
    rules: { 'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }] },
  },
  { files: ['src/*'], rules: { 'no-restricted-imports': ['error', { patterns: [shipped] }] } },
  {
    files: ['src/**', 'testing/**'].flatMap((folder) => tests.map((name) => folder.replace('**', name))),
    rules: { 'no-restricted-imports': ['error', { patterns: [tested] }] },
  },
  Object.keys(layers).map((folder) => ({
    files: [`src/${folder}/**`],
    ignores: tests,
    rules: {
      'no-restricted-imports': ['error', { patterns: boundaries(folder) }] as const,
      ...(anywhere.includes(folder) && { 'no-restricted-globals': ['error', ...browserGlobals] as const }),
    },
  })),
  {
    files: ['src/runtime/ort/**'],
    ignores: tests,
    rules: {
      'no-restricted-imports': ['error', { patterns: boundaries('runtime', { onnxRuntime: true }) }],
    },
  },
  {
    // The page shows what a manifest says and reads none, so it need not carry what checks one.
    files: ['src/ui/**', 'src/state/**', 'src/conversation/**', 'src/main.tsx'],
    ignores: tests,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '/pack/(manifest|families|schema)\\.ts$|^valibot',
              allowTypeImports: true,
              message: 'Manifests are read in threads; the page gets what they say',
            },
          ],
        },
      ],
    },
  },
  { files: ['src/ui/**', 'src/main.tsx'], rules: reactHooks.configs.recommended.rules },
  {
    files: ['src/cli/**', 'scripts/**', 'lab/**', 'models/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['*.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
)
