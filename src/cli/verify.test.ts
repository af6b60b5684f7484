import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { convertCheckpoint } from '../convert/convert.ts'
import type { PackManifest } from '../pack/manifest.ts'
import { folderSink, folderTree } from './files.ts'
import { verifyPack } from './verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'pictalk-verify-'))
afterEach(() => rmSync(folder, { recursive: true }))

it('A pack whose bytes are all right and whose graphs are another part’s is no good pack', async () => {
  const tree = folderTree('models/reference/untied')
  await convertCheckpoint(tree, folderSink(folder), { name: 'untied', precision: 'q8' })
  expect(await verifyPack(folder)).toEqual([])
  const path = join(folder, 'pack.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as PackManifest<'blip2-opt'>
  const { vision, 'q-former': qFormer } = manifest.parts
  const parts = { ...manifest.parts, vision: { ...vision, graphs: qFormer.graphs } }
  const swapped = { ...parts, 'q-former': { ...qFormer, graphs: vision.graphs } }
  writeFileSync(path, JSON.stringify({ ...manifest, parts: swapped }))
  expect(await verifyPack(folder)).toEqual([
    { path: 'vision.f32.onnx', why: expect.stringMatching(/^wants weights of vision\.weights/) as string },
    { path: 'q-former.f32.onnx', why: expect.stringMatching(/^wants weights of q-former/) as string },
  ])
})
