/** What the fields of a manifest must satisfy together, beyond being of the right sort each. */
import { chunkPath, chunkSizes } from './chunks.ts'
import { partsOf, PART_KINDS } from './families.ts'
import type { PackFile, PackManifest, Precision } from './manifest.ts'
import type { Demand } from './schema.ts'

/** The manifest itself and what a converter remembers lie beside, and a file is written by way of another name. */
const TAKEN = /^(pack|conversion)\.json$|\.part$/
/** Names that Windows keeps for devices, whatever the ending. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)\./

/** Tells `demand` of every rule. */
export function checkRules(manifest: PackManifest, demand: Demand): void {
  checkFiles(manifest.files, demand)
  checkRoles(manifest, demand)
  checkWeights(manifest, demand)
  const { preprocessing, parts, tokenizer } = manifest
  const { imageSize } = parts.vision.shape
  demand(preprocessing.size === imageSize, 'preprocessing.size', `must be the image size, ${imageSize}`)
  demand(
    tokenizer.config === undefined || tokenizer.tokenizer !== undefined,
    'tokenizer.config',
    'is of no use without a tokenizer',
  )
}

/** Names of all chunks are distinct on every file system, and sizes add up. */
function checkFiles(files: readonly PackFile[], demand: Demand): void {
  const seen = new Set<string>()
  files.forEach(({ path, bytes, chunks }, index) => {
    const field = `files.${index}`
    const expected = chunkSizes(bytes)
    const fits = chunks.length === expected.length && chunks.every((chunk, i) => chunk.bytes === expected[i])
    demand(fits, `${field}.chunks`, `do not add up to the ${bytes} bytes of ${path}`)
    for (const name of new Set([path, ...chunks.map((_, i) => chunkPath(path, i, chunks.length))])) {
      const lower = name.toLowerCase()
      demand(
        !seen.has(lower) && !TAKEN.test(lower) && !DEVICES.test(lower),
        `${field}.path`,
        `is taken: ${name}`,
      )
      seen.add(lower)
    }
  })
}

/** Every file that is named is listed, and none is two things at once. */
function checkRoles(manifest: PackManifest, demand: Demand): void {
  const listed = new Set(manifest.files.map(({ path }) => path))
  const roles = new Map<string, string>()
  const name = (field: string, path: string | undefined, role: string): void => {
    if (path === undefined) return
    demand(listed.has(path), field, `names ${path}, which is not among the files`)
    demand((roles.get(path) ?? role) === role, field, `names ${path}, which is something else already`)
    roles.set(path, role)
  }
  for (const [part, { graphs, weights }] of partsOf(manifest)) {
    const targets = Object.entries(graphs)
    demand(targets.length > 0, `parts.${part}.graphs`, 'names no graph')
    name(`parts.${part}.weights`, weights, 'weights')
    for (const [target, path] of targets) name(`parts.${part}.graphs.${target}`, path, 'graph')
  }
  name('tokenizer.tokenizer', manifest.tokenizer.tokenizer, 'tokenizer')
  name('tokenizer.config', manifest.tokenizer.config, 'tokenizer configuration')
}

/** The fewest bits that any precision spends on a weight, block scales aside. */
const LEAST_BITS: Record<Precision, number> = { fp32: 32, fp16: 16, q8: 8, q4: 4, q4f16: 4 }

/** Every part has the weights that its shape needs. */
function checkWeights(manifest: PackManifest, demand: Demand): void {
  const bytesOf = new Map(manifest.files.map(({ path, bytes }) => [path, bytes]))
  let parameters = 0
  for (const [name, { shape, weights }] of partsOf(manifest)) {
    const least = PART_KINDS[name].leastWeights(shape)
    const bytes = Math.ceil((least * LEAST_BITS[manifest.precision]) / 8)
    const enough = (bytesOf.get(weights) ?? 0) >= bytes
    demand(enough, `parts.${name}.shape`, `needs ${bytes} bytes of weights or more, which ${weights} has not`)
    parameters += least
  }
  demand(manifest.parameters >= parameters, 'parameters', `must be at least ${parameters} for these parts`)
}
