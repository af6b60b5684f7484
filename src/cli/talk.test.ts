import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readIn } from '../../testing/parity/files.ts'
import { openCheckpoint } from '../convert/checkpoint.ts'
import { convertInto } from './convert-into.ts'
import { decodeImage } from './decode-image.ts'
import { folderTree } from './files.ts'
import { caption, trace } from './talk.ts'

vi.mock('./decode-image.ts', { spy: true })

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

it('a trace decodes its picture once', async () => {
  const out = join(folder, 'trace.safetensors')
  await trace(
    {
      pack: 'public/models/drawn-scenes',
      image: 'models/reference/images/shapes-97x61.png',
      flags: { alpha: 'drop', provider: 'wasm', prompt: '', maxNewTokens: 3, out },
    },
    { signal: new AbortController().signal, print: vi.fn(), remark: vi.fn() },
  )
  expect(decodeImage).toHaveBeenCalledOnce()
  expect(statSync(out).size).toBeGreaterThan(0)
})

it('a trace of T5 has what its encoder makes of queries and prompt, and both kinds of ids', async () => {
  const [pack, out] = [join(folder, 't5'), join(folder, 't5.safetensors')]
  const { signal } = new AbortController()
  const checkpoint = folderTree('models/reference/t5-untied')
  const options = { precision: 'fp32', name: 't5', signal, onProgress: vi.fn() } as const
  await convertInto(pack, checkpoint, options)
  const image = 'models/reference/images/shapes-97x61.png'
  // The long one lies beyond the distance of 128 from which on T5 tells positions apart no more.
  for (const [prompt, promptTokens] of [['', 1] as const, ['a green triangle. '.repeat(20), 201] as const]) {
    await trace(
      { pack, image, flags: { alpha: 'drop', provider: 'wasm', prompt, maxNewTokens: 4, out } },
      { signal, print: vi.fn(), remark: vi.fn() },
    )
    const read = readIn(folder)
    const written = await openCheckpoint({ open: (path) => read(path.replace(/^model/, 't5')) })
    const shapes = Object.fromEntries([...written.tensors].map(([name, { shape }]) => [name, shape]))
    const [answered = 0] = shapes['token_ids'] ?? []
    expect(answered).toBeGreaterThan(0)
    expect(shapes).toEqual({
      pixel_values: [1, 3, 56, 56],
      image_features: [1, 17, 32],
      query_output: [1, 8, 32],
      query_embeddings: [1, 8, 64],
      encoder_output: [1, 8 + promptTokens, 64],
      logits: [1, answered, 192],
      pooler_output: [1, 32],
      token_log_probabilities: [answered],
      prompt_ids: [promptTokens],
      token_ids: [answered],
    })
  }
})

it('Captions of several pictures end where they are stopped: that is no failure of a picture', async () => {
  const stop = new AbortController()
  const remark = vi.fn()
  const image = 'models/reference/images/shapes-97x61.png'
  const asked = caption(
    {
      pack: 'public/models/drawn-scenes',
      images: [image, image, image],
      flags: { alpha: 'drop', provider: 'wasm', prompt: '', maxNewTokens: 3, json: true },
    },
    { signal: stop.signal, print: () => stop.abort(), remark },
  )
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
  expect(remark).not.toHaveBeenCalled()
})
