/** The built-in model with one file that never lets go of its thread: what a stranger's pack may hold. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../src/convert/onnx/gen/onnx_pb.ts'

const PACK = 'public/models/drawn-scenes'
const TOKENIZER = 'tokenizer.json'
const GRAPH = 'vision.f32.onnx'

/** A tokenizer whose pattern backtracks for ever, or a graph that ONNX Runtime folds for hours. */
export type Hostility = 'backtracks' | 'folds'

/** A question over which the tokenizer never comes back. Others it reads as ever. */
export const HOSTILE_QUESTION = `what is ${'a'.repeat(60)}!`

/** The pack's file of this name, as `readFileSync` would give it. */
export function hostileFile(path: string, how: Hostility = 'backtracks'): Buffer {
  const [changed, content, name] =
    how === 'backtracks'
      ? ([TOKENIZER, hostileTokenizer, 'Backtracking scenes'] as const)
      : ([GRAPH, foldingGraph, 'Folding scenes'] as const)
  if (path === changed) return content()
  const file = readFileSync(join(PACK, path))
  if (path !== 'pack.json') return file
  const manifest = JSON.parse(file.toString()) as { name: string; files: { path: string; bytes: number }[] }
  const own = content()
  const bytes = own.length
  const chunks = [{ bytes, sha256: createHash('sha256').update(own).digest('hex') }]
  const files = manifest.files.map((one) => (one.path === changed ? { ...one, bytes, chunks } : one))
  return Buffer.from(JSON.stringify({ ...manifest, name, files }))
}

/** Writes the pack into a folder. */
export function writeHostilePack(folder: string, how?: Hostility): void {
  mkdirSync(folder, { recursive: true })
  for (const path of readdirSync(PACK)) writeFileSync(join(folder, path), hostileFile(path, how))
}

function hostileTokenizer(): Buffer {
  const tokenizer = JSON.parse(readFileSync(join(PACK, TOKENIZER), 'utf8')) as { pre_tokenizer: unknown }
  const backtracking = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false }
  const pretokenizers = [backtracking, tokenizer.pre_tokenizer]
  return Buffer.from(JSON.stringify({ ...tokenizer, pre_tokenizer: { type: 'Sequence', pretokenizers } }))
}

/** Products of constants, each [SIZE, SIZE]: ONNX Runtime works them out while it opens the graph. */
const PRODUCTS = 1000
const SIZE = 2048

/** 2 · 2048³ operations a thousand times over are hours on one core, and no more memory than a few matrices. */
function foldingGraph(): Buffer {
  const model = fromBinary(ModelProtoSchema, readFileSync(join(PACK, GRAPH)))
  if (model.graph === undefined) throw new Error('no graph')
  fold(model.graph)
  return Buffer.from(toBinary(ModelProtoSchema, model))
}

function fold(graph: GraphProto): void {
  const node = (opType: string, input: string[], output: string): NodeProto =>
    create(NodeProtoSchema, { opType, input, output: [output], name: output })
  const constant = (
    name: string,
    dims: number[],
    values: Pick<TensorProto, 'dataType' | 'rawData'>,
  ): void => {
    graph.initializer.push(create(TensorProtoSchema, { name, dims: dims.map(BigInt), ...values }))
  }
  const raw = (values: Float32Array | BigInt64Array): Uint8Array<ArrayBuffer> =>
    new Uint8Array(values.slice().buffer)
  constant('fold.seed', [1], { dataType: DataType.FLOAT, rawData: raw(Float32Array.of(0)) })
  constant('fold.shape', [2], {
    dataType: DataType.INT64,
    rawData: raw(BigInt64Array.of(BigInt(SIZE), BigInt(SIZE))),
  })
  constant('fold.index', [1], { dataType: DataType.INT64, rawData: raw(BigInt64Array.of(0n)) })
  const folded = [node('Expand', ['fold.seed', 'fold.shape'], 'fold.0')]
  for (let i = 1; i <= PRODUCTS; i += 1) folded.push(node('MatMul', [`fold.${i - 1}`, 'fold.0'], `fold.${i}`))
  // One number of the last product is added to what comes out, so that none of it can be left out.
  folded.push(node('Gather', [`fold.${PRODUCTS}`, 'fold.index'], 'fold.row'))
  folded.push(node('ReduceMean', ['fold.row'], 'fold.mean'))
  const [output] = graph.output
  const last = graph.node.find((one) => one.output[0] === output?.name)
  if (last?.opType !== 'Identity') throw new Error('the graph ends otherwise by now')
  const [features = ''] = last.input
  graph.node = graph.node.filter((one) => one !== last)
  graph.node.push(...folded, node('Mul', ['fold.mean', 'fold.seed'], 'fold.nothing'))
  graph.node.push(node('Add', [features, 'fold.nothing'], output?.name ?? ''))
}
