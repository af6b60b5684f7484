import { afterEach, describe, expect, it } from 'vitest'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from '../../convert/onnx/gen/onnx_pb.ts'
import type { Pixels } from '../../image/pixels.ts'
import { bytesOfFile } from '../../pack/bytes.ts'
import { partsOf, type PartName } from '../../pack/families.ts'
import { isPackOf, type PackReader } from '../../pack/manifest.ts'
import { syntheticPack } from '../../synthetic/pack.ts'
import { openCompute } from '../device/open-compute.ts'
import { liveTensorCount } from '../ort/tensor.ts'
import { openBlip2 } from './blip2.ts'
import { assertTalks } from './model.ts'
import { openModel, openTalkingModel } from './models.ts'

const synthetic = madeOnce(syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }))

/** Files of a made-up pack are made when they are asked for; here the same ones are asked for again and again. */
function madeOnce(pack: PackReader): PackReader {
  const made = new Map<string, ReturnType<PackReader['file']>>()
  const file: PackReader['file'] = (path) => {
    const known = made.get(path) ?? pack.file(path)
    made.set(path, known)
    return known
  }
  return { ...pack, file }
}

/** The pack, and the files that were asked of it; `refuse` says which of them it has not. */
function watched(refuse = ''): { pack: PackReader; files: string[] } {
  const files: string[] = []
  const file: PackReader['file'] = (path, signal) => {
    files.push(path)
    return path === refuse ? Promise.reject(new Error(`no ${path}`)) : synthetic.file(path, signal)
  }
  return { pack: { ...synthetic, file }, files }
}

function graphOf(name: PartName): string {
  return partsOf(synthetic.manifest).find(([part]) => part === name)?.[1].graphs.wasm ?? ''
}

/** A graph that asks for the last of its weights 4 GiB behind where it lies. */
function withFarWeight(graph: Uint8Array): Uint8Array<ArrayBuffer> {
  const model = fromBinary(ModelProtoSchema, graph)
  const entries = model.graph?.initializer.findLast((one) => one.externalData.length > 0)?.externalData
  const offset = entries?.find(({ key }) => key === 'offset')
  if (offset === undefined) throw new Error('no weights')
  offset.value = String(Number(offset.value) + 2 ** 32)
  return toBinary(ModelProtoSchema, model)
}

const size = synthetic.manifest.parts.vision.shape.imageSize
const grey: Pixels = { data: new Float32Array(3 * size * size), size, brand: 'pixels' }

afterEach(() => {
  expect(liveTensorCount()).toBe(0)
})

describe('opening a model', () => {
  it('opens its parts in order, and reads the weights of each before those of the one before are in use', async () => {
    const { pack, files } = watched()
    const told: string[] = []
    const model = await openModel(pack, await openCompute('wasm'), {
      onProgress: (part, done, total) => told.push(`${part} ${done} of ${total}`),
      onPart: (part) => told.push(part === 'warm-up' ? part : `creating ${part.creating}`),
      warmUp: true,
    })
    expect(told).toEqual([
      'vision 0 of 3',
      'creating vision',
      'q-former 1 of 3',
      'creating q-former',
      'warm-up',
      'decoder 2 of 3',
      'creating decoder',
      'warm-up',
    ])
    const weights = files.filter((path) => path.endsWith('.weights'))
    expect(weights).toEqual(['vision.weights', 'q-former.weights', 'decoder.weights'])
    const before = (first: string, second: string): boolean => files.indexOf(first) < files.indexOf(second)
    expect(before('q-former.weights', graphOf('q-former'))).toBe(true)
    expect(before('decoder.weights', graphOf('decoder'))).toBe(true)
    await model.dispose()
  })

  it.each(['vision', 'q-former', 'decoder'] as const)(
    'refuses one that was kept when the %s still asked for weights where ONNX Runtime does not find them',
    async (part) => {
      const file: PackReader['file'] = async (path, signal) => {
        const bytes = await synthetic.file(path, signal)
        return path === graphOf(part) ? withFarWeight(await bytesOfFile(bytes)) : bytes
      }
      const opened = openModel({ ...synthetic, file }, await openCompute('wasm'))
      await expect(opened).rejects.toMatchObject({
        code: 'bad-pack',
        message: expect.stringContaining(`too far behind in ${part}.weights`) as string,
      })
    },
  )

  it.each(['vision.weights', 'q-former.weights', 'decoder.weights'])(
    'leaves nothing open when there is no %s, and succeeds the next time',
    async (path) => {
      const compute = await openCompute('wasm')
      await expect(openModel(watched(path).pack, compute)).rejects.toThrow(`no ${path}`)
      const model = await openTalkingModel(synthetic, compute)
      const seen = await model.look.see(grey)
      for await (const { tokenIds } of model.talk.answer(seen, { prompt: '', maxNewTokens: 1 }))
        expect(tokenIds).toHaveLength(1)
      await model.dispose()
    },
  )

  it('opens one that only looks without its language model', async () => {
    const { pack, files } = watched()
    if (!isPackOf(pack, 'blip2-opt')) throw new Error('The made-up pack is of another family.')
    const model = await openBlip2(pack, await openCompute('wasm'), null)
    expect(model.talk).toBeNull()
    expect(files.some((path) => path.startsWith('decoder'))).toBe(false)
    const { embeddings } = await model.look.see(grey)
    const { queries, embeddingSize } = pack.manifest.parts['q-former'].shape
    expect(embeddings.dims).toEqual([1, queries, embeddingSize])
    embeddings.dispose()
    expect(() => assertTalks(model)).toThrow(expect.objectContaining({ code: 'unsupported-model' }))
    await model.dispose()
  })
})

it('puts away what looks behind the next picture when memory is to be spared, and keeps it when not', async () => {
  const model = await openModel(synthetic, await openCompute('wasm'), { memory: 'spare' })
  expect(model.memory.keepsAll).toBe(false)
  expect(model.look.open).toEqual({ vision: true, 'q-former': true })
  const look = async (): Promise<void> => (await model.look.see(grey)).embeddings.dispose()
  await look()
  expect(model.look.open).toEqual({ vision: false, 'q-former': false })
  await model.changeMemory('keep')
  await look()
  expect(model.look.open).toEqual({ vision: true, 'q-former': true })
  await model.changeMemory('spare')
  expect(model.look.open).toEqual({ vision: false, 'q-former': false })
  await model.dispose()
})
