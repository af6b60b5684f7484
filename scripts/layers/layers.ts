import type { Import } from './sources.ts'

/**
 * Who may import whom, stated once. A folder may always import itself; arrows follow the data's journey. What is checked is
 * the file that an import leads to: folders in `state` and `ui` are named as layers are.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
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

/** Of our own kernels, from what a device is asked for up to the parts that run on them, which know nothing of each other. */
export const KERNEL_LAYERS: Readonly<Record<string, readonly string[]>> = {
  gpu: [],
  weights: ['gpu'],
  kernels: ['gpu'],
  decoder: ['gpu', 'weights', 'kernels'],
  vision: ['gpu', 'weights', 'kernels'],
}

/** Each table with the folder whose folders it orders. */
const TABLES = [
  { base: 'src', table: LAYERS },
  { base: 'src/runtime/wgsl', table: KERNEL_LAYERS },
]

interface Home {
  packages: RegExp
  /** The only layers, or folders of them, that may import these packages. */
  home: string
  problem: string
}

/** Packages that belong to one place. */
export const HOMES: readonly Home[] = [
  { packages: /^node:|^sharp$|^commander$/, home: 'src/cli', problem: 'Node belongs in cli' },
  {
    packages: /^onnxruntime-/,
    home: 'src/runtime/ort',
    problem: 'ONNX Runtime is reached through runtime/ort',
  },
  { packages: /^react/, home: 'src/ui', problem: 'React belongs in ui' },
  { packages: /^i18next/, home: 'src/messages', problem: 'Words are reached through messages' },
]

/** The page shows what a manifest says and reads none, so it need not carry what checks one. */
const PAGE = ['src/ui', 'src/state', 'src/conversation', 'src/main.tsx']
const READS_MANIFESTS = /^src\/pack\/(manifest|families|schema)\.ts$|^valibot/

/** What is beside `src`: it imports `src`, never the other way round. Tests may use what tests share. */
const BESIDE = ['lab', 'e2e', 'scripts']

export const isTest = (path: string): boolean => /\.(test\.tsx?|browser-test\.ts)$/.test(path)
const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** The folder of `base` that `path` lies in, where `table` has it. */
function layerOf(path: string, base: string, table: object): string | null {
  const [name, ...rest] = isIn(path, base) ? path.slice(base.length + 1).split('/') : []
  return name !== undefined && rest.length > 0 && name in table ? name : null
}

/** Why the file at `path` must not import that, or null. */
export function importProblem(path: string, { specifier, target, typesOnly }: Import): string | null {
  if (isTest(path)) return testProblem(path, target)
  if (!isIn(path, 'src')) return null
  if ([...BESIDE, 'testing'].some((folder) => isIn(target, folder))) {
    return 'What ships imports nothing that tests, measures or builds it'
  }
  for (const { base, table } of TABLES) {
    const [from, to] = [layerOf(path, base, table), layerOf(target, base, table)]
    if (from === null || to === null || from === to) continue
    const allowed = table[from] ?? []
    if (!allowed.includes(to)) return `${from} may import only: ${allowed.join(', ') || 'nothing'}`
  }
  if (layerOf(path, 'src', LAYERS) !== null) {
    const home = HOMES.find(({ packages }) => packages.test(specifier))
    if (home !== undefined && !isIn(path, home.home)) return home.problem
  }
  if (!typesOnly && PAGE.some((folder) => isIn(path, folder)) && READS_MANIFESTS.test(target)) {
    return 'Manifests are read in threads; the page gets what they say'
  }
  return null
}

const testProblem = (path: string, target: string): string | null =>
  (isIn(path, 'src') || isIn(path, 'testing')) && BESIDE.some((folder) => isIn(target, folder))
    ? 'What tests share lies in testing'
    : null
