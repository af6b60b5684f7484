import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { CHECKPOINTS, packInMemory, type CheckpointName } from '../../testing/parity/reference.ts'
import { folderTree, openPackFolder } from '../cli/files.ts'
import { sinkInMemory } from '../pack/bytes.ts'
import type { PackManifest, PackReader, Precision } from '../pack/manifest.ts'
import { convertCheckpoint } from './convert.ts'
import { graphProblem } from './graph-check.ts'
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataType as DataType,
  type GraphProto,
  type ValueInfoProto,
} from './onnx/gen/onnx_pb.ts'

async function packOf(name: CheckpointName, precision: Precision): Promise<PackReader> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(folderTree(`models/reference/${name}`), sinkInMemory(files), { name, precision })
  return packInMemory(files)
}

async function bytesOf(pack: PackReader, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Blob([await pack.file(path)]).arrayBuffer())
}

async function problems(pack: PackReader): Promise<string[]> {
  const graphs = pack.manifest.files.filter(({ path }) => path.endsWith('.onnx'))
  const found = graphs.map(async ({ path }) => {
    const why = graphProblem(pack.manifest, path, await bytesOf(pack, path))
    return why === null ? [] : [`${path} ${why}`]
  })
  return (await Promise.all(found)).flat()
}

describe('graphs held against the manifest', () => {
  it.each(
    CHECKPOINTS.flatMap((name) => (['q4f16', 'fp16', 'q8'] as const).map((how) => [name, how] as const)),
  )('are what it says: %s as %s', async (name, precision) => {
    expect(await problems(await packOf(name, precision))).toEqual([])
  })

  it('are what it says in the built-in model', async () => {
    expect(await problems(await openPackFolder('public/models/drawn-scenes'))).toEqual([])
  })
})

const opt = await packOf('untied', 'q4f16')
const t5 = await packOf('t5-untied', 'q4f16')

async function changed(
  pack: PackReader,
  path: string,
  how: (graph: GraphProto) => void,
): Promise<string | null> {
  const model = fromBinary(ModelProtoSchema, await bytesOf(pack, path))
  if (model.graph === undefined) throw new Error(`${path} has no graph`)
  how(model.graph)
  return graphProblem(pack.manifest, path, toBinary(ModelProtoSchema, model))
}

function named(values: ValueInfoProto[], name: string): ValueInfoProto {
  const found = values.find((value) => value.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

/** Sets one dimension of a declared tensor. */
function resize(value: ValueInfoProto, at: number, size: number): void {
  const { type } = value
  if (type?.value.case !== 'tensorType') throw new Error('no tensor')
  const dim = type.value.value.shape?.dim[at]
  if (dim !== undefined) dim.value = { case: 'dimValue', value: BigInt(size) }
}

function place(graph: GraphProto, key: string, value: string): void {
  const stored = graph.initializer.find(({ externalData }) => externalData.length > 0)
  const entries = stored?.externalData.filter((entry) => entry.key !== key) ?? []
  if (stored !== undefined)
    stored.externalData = [...entries, create(StringStringEntryProtoSchema, { key, value })]
}

describe('a graph that is not what the manifest says', () => {
  it.each<[string, PackReader, string, (graph: GraphProto) => void, RegExp]>([
    [
      'an input under another name',
      opt,
      'decoder.f32.onnx',
      (g) => (named(g.input, 'rows').name = 'lines'),
      /has an input lines/,
    ],
    [
      'an input that is not there',
      opt,
      'decoder.f16.onnx',
      (g) => void g.input.pop(),
      /has no input past\.\d+\.value/,
    ],
    [
      'an output that is not there',
      t5,
      'text-encoder.f32.onnx',
      (g) => void g.output.pop(),
      /has no output cross\.1\.value/,
    ],
    [
      'one output too many',
      opt,
      'vision.f32.onnx',
      (g) => void g.output.push(...g.input),
      /has an output pixel_values/,
    ],
    [
      'pictures of another size',
      opt,
      'vision.f32.onnx',
      (g) => resize(named(g.input, 'pixel_values'), 3, 57),
      /pixel_values that is float \[1, 3, \d+, 57\] instead of/,
    ],
    [
      'another number of queries',
      opt,
      'q-former.f32.onnx',
      (g) => resize(named(g.output, 'query_embeddings'), 1, 99),
      /query_embeddings that is float \[1, 99/,
    ],
    [
      'another vocabulary',
      t5,
      'text-decoder.wasm.onnx',
      (g) => resize(named(g.output, 'logits'), 2, 7),
      /logits that is float \[1, \?, 7\]/,
    ],
    [
      'a batch that is fixed',
      opt,
      'decoder.wasm.onnx',
      (g) => resize(named(g.input, 'input_ids'), 0, 1),
      /input_ids that is int64 \[1, \?\] instead of int64 \[\?, \?\]/,
    ],
    [
      'a cache of another type',
      opt,
      'decoder.f16.onnx',
      (g) => retype(named(g.input, 'past.0.key')),
      /past\.0\.key that is float \[.*instead of float16/,
    ],
    [
      'weights of another part',
      opt,
      'vision.f32.onnx',
      (g) => place(g, 'location', 'decoder.weights'),
      /wants weights of decoder\.weights, which is no part of it/,
    ],
    [
      'weights outside the pack',
      opt,
      'vision.f32.onnx',
      (g) => place(g, 'location', '../../etc/passwd'),
      /which is no part of it/,
    ],
    [
      'more weights than there are',
      opt,
      'vision.f32.onnx',
      (g) => place(g, 'length', '999999999'),
      /wants more of vision\.weights/,
    ],
    [
      'weights from a place on that the file does not reach',
      opt,
      'vision.f32.onnx',
      (g) => place(g, 'location', 'vision.weights+1'),
      /wants more of vision\.weights\+1/,
    ],
    [
      'a place that is no number',
      opt,
      'vision.f32.onnx',
      (g) => place(g, 'offset', 'NaN'),
      /wants more of vision\.weights/,
    ],
  ])('is noticed: %s', async (_, pack, path, how, why) => {
    expect(await changed(pack, path, () => undefined)).toBeNull()
    expect(await changed(pack, path, how)).toMatch(why)
  })

  it('is noticed where ONNX Runtime would not find weights, however long the file is', async () => {
    const { manifest } = opt
    const files = manifest.files.map((file) => ({ ...file, bytes: 10 * 2 ** 30 }))
    const long = { ...opt, manifest: { ...manifest, files } }
    const at = (offset: number, location: string): Promise<string | null> =>
      changed(long, 'vision.f16.onnx', (g) => {
        place(g, 'offset', String(offset))
        place(g, 'location', location)
      })
    expect(await at(2 ** 32, 'vision.weights')).toMatch(/too far behind in vision\.weights/)
    expect(await at(2 ** 31, 'vision.weights+1')).toBeNull()
  })

  it('is noticed where the manifest was changed instead', async () => {
    const { manifest } = opt as { manifest: PackManifest<'blip2-opt'> }
    const { decoder } = manifest.parts
    const other = { ...decoder, shape: { ...decoder.shape, layers: decoder.shape.layers + 1 } }
    const changedManifest = { ...manifest, parts: { ...manifest.parts, decoder: other } }
    const bytes = await bytesOf(opt, 'decoder.f32.onnx')
    expect(graphProblem(changedManifest, 'decoder.f32.onnx', bytes)).toMatch(/has no input past\./)
    // The graph for 32 bits in the place of that for 16: its caches are of another type.
    const graphs = { ...decoder.graphs, 'webgpu-f16': 'decoder.f32.onnx' }
    const swapped = { ...manifest, parts: { ...manifest.parts, decoder: { ...decoder, graphs } } }
    expect(graphProblem(swapped, 'decoder.f32.onnx', bytes)).toMatch(/instead of float16/)
  })
})

function retype({ type }: ValueInfoProto): void {
  if (type?.value.case === 'tensorType') type.value.value.elemType = DataType.FLOAT
}
