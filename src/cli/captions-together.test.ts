import { expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import type { AnswerSoFar } from '../runtime/talk/discussion.ts'
import { CaptionsTogether } from './captions-together.ts'

// The model sees nothing but the name.
vi.mock(import('./read-pixels.ts'), async (original) => ({
  ...(await original()),
  readPixels: (image: string) => Promise.resolve(image as never),
}))

interface Row {
  image: string
  say: () => void
  fail: (code: AppError['code']) => void
}

/** With a model without a device: what was asked of it, in order, and how each row ends. */
function captionsOf(): { captions: CaptionsTogether; rows: Row[]; asked: (count: number) => Promise<void> } {
  const rows: Row[] = []
  const answerTogether = async (seen: Promise<{ image: string }>): Promise<Partial<AnswerSoFar>> => {
    const { image } = await seen
    return new Promise((resolve, reject) => {
      const say = (): void => resolve({ text: `said ${image}` })
      rows.push({ image, say, fail: (code) => reject(new AppError(code, 'It failed.')) })
    })
  }
  const look = { see: (image: string) => Promise.resolve({ image }) }
  const model = { manifest: {}, look, talk: { answerTogether } } as unknown as TalkingModel
  const { signal } = new AbortController()
  const run = { signal, print: () => undefined, remark: () => undefined }
  const flags = { alpha: 'drop', provider: 'wasm', prompt: '', maxNewTokens: 4 } as const
  const asked = async (count: number): Promise<void> => {
    await vi.waitFor(() => expect(rows.length).toBeGreaterThanOrEqual(count), { interval: 1 })
    // Nor is anything asked that may not be.
    await new Promise((resolve) => setTimeout(resolve))
    expect(rows).toHaveLength(count)
  }
  return { captions: new CaptionsTogether(model, flags, run), rows, asked }
}

it('Only the picture that a model fails at has no caption, of all that were rows of one batch', async () => {
  const { captions, rows, asked } = captionsOf()
  const answers = ['a', 'b', 'c'].map((image) => captions.of(image, ''))
  const settled = Promise.allSettled(answers)
  await asked(3)
  rows[0]?.fail('out-of-memory')
  rows[1]?.fail('out-of-memory')
  // While one is still being written nothing is by itself.
  await asked(3)
  const later = captions.of('d', '')
  rows[2]?.say()
  await asked(4)
  rows[3]?.say()
  await asked(5)
  rows[4]?.fail('out-of-memory')
  await asked(6)
  rows[5]?.say()
  expect(rows.map(({ image }) => image)).toEqual(['a', 'b', 'c', 'a', 'b', 'd'])
  expect(await settled).toMatchObject([
    { status: 'fulfilled', value: { text: 'said a' } },
    { status: 'rejected', reason: { code: 'out-of-memory' } },
    { status: 'fulfilled', value: { text: 'said c' } },
  ])
  expect(await later).toMatchObject({ text: 'said d' })
})

it('A picture that fails by its own fault is not tried again', async () => {
  const { captions, rows, asked } = captionsOf()
  const answer = captions.of('a', '')
  answer.catch(() => undefined)
  await asked(1)
  rows[0]?.fail('bad-image')
  await expect(answer).rejects.toMatchObject({ code: 'bad-image' })
  await asked(1)
})
