import { expect, it, vi } from 'vitest'
import type * as Chunks from '../pack/chunks.ts'
import { folderTree } from '../cli/files.ts'
import { convertCheckpoint } from '../convert/convert.ts'
import type { PackManifest } from '../pack/manifest.ts'
import { locksInMemory } from './locks.ts'
import { PackStore } from './pack-store.ts'
import type { Origin, StoreRecord } from './records.ts'
import { tableInMemory } from './table.ts'

/** So small that the tower of the built-in models has dozens, as a published one has. */
const CHUNK_BYTES = 2 ** 16

vi.mock('../pack/chunks.ts', async (original) => {
  const { smallChunks } = await import('../../testing/small-chunks.ts')
  return smallChunks(await original<typeof Chunks>(), 2 ** 16)
})

const chunks = new Map<string, Blob>()
const store = new PackStore({
  chunks: tableInMemory(chunks),
  records: tableInMemory(new Map<string, StoreRecord>()),
  parts: tableInMemory(),
  locks: locksInMemory(),
})

async function convert(name: string): Promise<PackManifest> {
  const origin: Origin = { address: `folder:${name}`, base: null, asked: null, converted: 'q8' }
  const sink = await store.sink(name, origin, name)
  return convertCheckpoint(folderTree(`models/drawn-scenes/${name}`), sink, { name, precision: 'q8' })
}

const keptBytes = (): number => [...chunks.values()].reduce((sum, { size }) => sum + size, 0)

const hashes = ({ files, parts: { vision } }: PackManifest): string[] =>
  files.find(({ path }) => path === vision.weights)?.chunks.map(({ sha256 }) => sha256) ?? []

it('a tower is kept once, whichever model it came with and whatever stands around it there', async () => {
  const talks = await convert('checkpoint')
  const alone = keptBytes()
  const compares = await convert('retrieval-checkpoint')
  const [one, other] = [hashes(talks), hashes(compares)]
  expect(one.length).toBeGreaterThan(40)
  expect(other.slice(0, -1)).toEqual(one.slice(0, -1))
  // Gain and bias of the last norm, which training changed.
  expect(other.at(-1)).not.toBe(one.at(-1))
  const whole = compares.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const tower = compares.files.find(({ path }) => path === compares.parts.vision.weights)?.bytes ?? NaN
  // The graphs of two equal towers are equal, too.
  const graph = compares.files.find(({ path }) => path === compares.parts.vision.graphs.wasm)?.bytes ?? NaN
  const added = keptBytes() - alone
  expect(whole - added).toBeGreaterThan(tower + graph - 2 * CHUNK_BYTES)
  expect(whole - added).toBeLessThan(tower + graph)
})
