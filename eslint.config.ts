import { importX } from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { TOGETHER, TOGETHER_IN_TIME } from './testing/together.ts'

/**
 * What can be seen in a file without knowing types; `.oxlintrc.json` has the rules that ask for them, which the native
 * compiler answers several times sooner, and those of React, for which its own compiler reads every component.
 */

/**
 * Who may import whom, stated once. A folder may always import itself; arrows follow the data's journey. What is checked is
 * the file that an import leads to: folders in `state` and `ui` are named as layers are.
 */
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
  state: ['pack', 'archive', 'studio', 'protocol', 'conversation', 'messages'],
  ui: ['pack', 'scenes', 'studio', 'protocol', 'conversation', 'messages', 'state'],
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

/** From which folders what lies in `target` imports nothing. */
interface Zone {
  target: string
  from: string[]
  message: string
}
const onResolvedPaths = (zones: Zone[]): ['error', { basePath: string; zones: Zone[] }] => [
  'error',
  { basePath: import.meta.dirname, zones },
]

/** What is beside src: it imports src, never the other way round. Tests may use what tests share. */
const shipped: Zone = {
  target: 'src',
  from: ['testing', 'lab', 'e2e', 'scripts'],
  message: 'What ships imports nothing that tests, measures or builds it',
}
const tested = (target: string): Zone => ({
  target,
  from: ['lab', 'e2e', 'scripts'],
  message: 'What tests share lies in testing',
})

/** Of our own kernels, from what a device is asked for up to the parts that run on them, which know nothing of each other. */
const wgsl: Record<string, string[]> = {
  gpu: [],
  weights: ['gpu'],
  kernels: ['gpu'],
  decoder: ['gpu', 'weights', 'kernels'],
  vision: ['gpu', 'weights', 'kernels'],
}

/** What `folder` of `base` may import of the folders beside it. */
const layerOf =
  (table: Record<string, string[]>, base: string) =>
  (folder: string): Zone => {
    const allowed = table[folder] ?? []
    const forbidden = Object.keys(table).filter((other) => other !== folder && !allowed.includes(other))
    return {
      target: `${base}/${folder}`,
      from: forbidden.map((other) => `${base}/${other}`),
      message: `${folder} may import only: ${allowed.join(', ') || 'nothing'}`,
    }
  }

const tests = ['**/*.test.ts', '**/*.test.tsx', '**/*.browser-test.ts']

/** Packages that belong to one place. */
function packagesOf(folder: string, { onnxRuntime = false } = {}): ReturnType<typeof refuse>[] {
  const rules: ReturnType<typeof refuse>[] = []
  if (folder !== 'cli') rules.push(refuse('^node:|^sharp$|^commander$', 'Node belongs in cli'))
  if (!onnxRuntime) rules.push(refuse('^onnxruntime-', 'ONNX Runtime is reached through runtime/ort'))
  if (folder !== 'ui') rules.push(refuse('^react', 'React belongs in ui'))
  if (folder !== 'messages') rules.push(refuse('^i18next', 'Words are reached through messages'))
  return rules
}

const NOT_TOGETHER = [
  ...['mock', 'doMock', 'resetModules'].map((property) => ({ object: 'vi', property })),
  { object: 'process', property: 'memoryUsage' },
]

export default defineConfig(
  { ignores: ['dist', 'src/convert/onnx/gen', 'public', 'playwright-report', 'test-results', '**/*.py'] },
  tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: { 'import-x': importX },
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
  {
    files: ['src/**'],
    ignores: tests,
    rules: {
      'import-x/no-restricted-paths': onResolvedPaths([
        shipped,
        ...Object.keys(layers).map(layerOf(layers, 'src')),
        ...Object.keys(wgsl).map(layerOf(wgsl, 'src/runtime/wgsl')),
      ]),
    },
  },
  {
    files: ['src/**', 'testing/**'].flatMap((folder) => tests.map((name) => folder.replace('**', name))),
    rules: { 'import-x/no-restricted-paths': onResolvedPaths([tested('src'), tested('testing')]) },
  },
  Object.keys(layers).map((folder) => ({
    files: [`src/${folder}/**`],
    ignores: tests,
    rules: {
      'no-restricted-imports': ['error', { patterns: packagesOf(folder) }] as const,
      ...(anywhere.includes(folder) && { 'no-restricted-globals': ['error', ...browserGlobals] as const }),
    },
  })),
  {
    files: ['src/runtime/ort/**'],
    ignores: tests,
    rules: {
      'no-restricted-imports': ['error', { patterns: packagesOf('runtime', { onnxRuntime: true }) }],
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
  {
    // They share a process: what one mocks another has loaded, and what one holds another measures.
    files: [...TOGETHER, ...TOGETHER_IN_TIME],
    rules: { 'no-restricted-properties': ['error', ...NOT_TOGETHER] },
  },
  {
    // What one has left running goes on under the clock of another.
    files: TOGETHER_IN_TIME,
    rules: {
      'no-restricted-properties': ['error', ...NOT_TOGETHER, { object: 'vi', property: 'useFakeTimers' }],
    },
  },
  {
    files: ['src/cli/**', 'scripts/**', 'lab/**', 'models/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['*.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
)
