/** Packs of made-up weights in folders, whole and with hashes, in seconds at any size: nothing is quantised. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderSink } from '../../src/cli/files.ts'
import { openPackWriter } from '../../src/convert/pack-writer.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import { AppError } from '../../src/pack/failure.ts'
import {
  chunksOf,
  MANIFEST_PATH,
  parseManifest,
  type PackFile,
  type Precision,
} from '../../src/pack/manifest.ts'
import type { Size } from '../../src/synthetic/dimensions.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'

/** Of the decoder that stands beside transformers.js: one that both have. */
export const PRECISION_BESIDE: Precision = 'q4'

/** Where such a pack lies, which Git ignores. */
export function madeUpFolder(size: Size, precision: Precision): string {
  return join('packs', `made-up-${size}-${precision}`)
}

/** Writes the pack, unless it is there already. What it answers means nothing. */
export async function makeUpPack(folder: string, size: Size, precision: Precision): Promise<void> {
  if (existsSync(join(folder, MANIFEST_PATH))) return
  const pack = syntheticPack({ size, precision, seed: 1 })
  const source = `made up: ${size}, ${precision}`
  const writer = await openPackWriter(folderSink(folder), source)
  const files: PackFile[] = []
  for (const { path } of pack.manifest.files) {
    const bytes = await pack.file(path)
    files.push(
      await writer.writeFile(path, bytes instanceof Blob ? new Uint8Array(await bytes.arrayBuffer()) : bytes),
    )
  }
  const fingerprint = await sha256Hex(new TextEncoder().encode(JSON.stringify([source, files])))
  await writer.commit({ ...pack.manifest, fingerprint, files })
}

/** A file of the pack in one piece, whatever chunks it lies in. Gives its length. */
export function joinFile(folder: string, path: string, target: string): number {
  const { files } = parseManifest(readFileSync(join(folder, MANIFEST_PATH), 'utf8'))
  const file = files.find((one) => one.path === path)
  if (file === undefined) throw new AppError('bad-pack', `The pack in ${folder} has no ${path}.`)
  writeFileSync(target, '')
  for (const chunk of chunksOf(file)) appendFileSync(target, readFileSync(join(folder, chunk.path)))
  return file.bytes
}
