import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { decodeImage } from './decode-image.ts'
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
