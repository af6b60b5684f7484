import { describe, expect, it } from 'vitest'
import { folderTree } from '../../src/cli/files.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import { graphProblem } from '../../src/convert/graph-check.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { readFromDisk } from './files.ts'
import { compareWriting, readWriterReference, WRITER, writerPack } from './writing.ts'

const FOLDER = `models/reference/${WRITER}`

describe('a Q-Former that writes', () => {
  it('writes what LAVIS does, greedily and with beams, and knows how likely each word is', async () => {
    const pack = await writerPack(folderTree(FOLDER), 'fp32')
    const { errors, written } = await compareWriting(readFromDisk, pack, await openCompute('wasm'))
    expect(errors.size).toBe(4)
    if (process.env['PRINT_PARITY']) for (const line of errors) console.warn(...line)
    for (const [call, error] of errors) expect(error, call).toBeLessThan(1e-4)
    expect(written).toHaveLength(10)
    for (const { ours, reference } of written) {
      expect(ours.map(({ tokenIds }) => tokenIds)).toEqual(reference.map(({ ids }) => ids))
      expect(ours.map(({ text }) => text)).toEqual(reference.map(({ text }) => text))
      for (const [i, { score }] of reference.entries())
        if (score !== null) expect(ours[i]?.score).toBeCloseTo(score, 3)
    }
    expect(liveTensorCount()).toBe(0)
  })

  it('has a pack that keeps its temperature and its head, at every precision', async () => {
    const { temperature, startId } = await readWriterReference(readFromDisk)
    for (const precision of ['fp32', 'q8', 'q4f16'] as const) {
      const pack = await writerPack(folderTree(FOLDER), precision)
      const { manifest } = pack
      expect(manifest.unknownTensors).toEqual([])
      expect(manifest).toMatchObject({
        parts: {
          'text-q-former': { shape: { temperature: expect.closeTo(temperature, 6) as number } },
          'word-head': { shape: { startId, vocabulary: startId + 1 } },
        },
      })
      const head = 'word-head.f32.onnx'
      const bytes = new Uint8Array(await new Blob([await pack.file(head)]).arrayBuffer())
      expect(graphProblem(manifest, head, bytes)).toBeNull()
    }
  })

  it('samples within the share of all words that it may, the same by the same seed, and goes on from given words', async () => {
    const model = await openRetrievalModel(
      await writerPack(folderTree(FOLDER), 'q8'),
      await openCompute('wasm'),
    )
    const picture = await model.encode({ data: new Float32Array(3 * 56 * 56), size: 56, brand: 'pixels' })
    const sampling = { temperature: 1, topK: 0, topP: 0.9, seed: 5 }
    const texts: string[] = []
    const short = { ...GREEDY, maxNewTokens: 6 }
    for (const settings of [
      { ...short, sampling, answers: 2 },
      { ...short, sampling, answers: 2 },
      { ...short, sampling: { ...sampling, topP: 1e-9 } },
      short,
    ])
      for await (const { answers } of model.write(picture, 'a red', { settings }))
        texts.push(...answers.map(({ text }) => text))
    const [one, two, oneAgain, twoAgain, narrow, greedy] = texts
    expect([oneAgain, twoAgain]).toEqual([one, two])
    expect(one).not.toBe(two)
    expect(narrow).toBe(greedy)
    picture.features.dispose()
    await model.dispose()
    expect(liveTensorCount()).toBe(0)
  })

  it('is none without a head, which is said', async () => {
    const tree = folderTree('models/reference/itm-odd')
    const model = await openRetrievalModel(await writerPack(tree, 'fp32'), await openCompute('wasm'))
    expect([model.writes, model.temperature]).toEqual([false, 0.07])
    const picture = await model.encode({ data: new Float32Array(3 * 24 * 24), size: 24, brand: 'pixels' })
    await expect(model.write(picture, '', { settings: GREEDY }).next()).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('no captioning head') as string,
    })
    picture.features.dispose()
    await model.dispose()
  })
})
