/**
 * Where a part's weights lie, as its graph says: names, dimensions and byte ranges of the initialisers kept as external
 * data, read out of the ONNX file itself. Of protobuf only what that takes.
 */
import { AppError } from '../../../pack/failure.ts'
import { reachProblem, windowNamed } from '../../../pack/weight-windows.ts'

export interface StoredTensor {
  name: string
  dims: number[]
  /** As it lies in the weights file, whatever the graph widens it to. */
  type: 'float32' | 'float16' | 'uint8'
  offset: number
  bytes: number
}

/** Of a part, by name. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7 }
const GRAPH = { initializer: 5 }
const TENSOR = { dims: 1, dataType: 2, name: 8, externalData: 13 }
const ENTRY = { key: 1, value: 2 }
const TYPES: Partial<Record<number, StoredTensor['type']>> = { 1: 'float32', 2: 'uint8', 10: 'float16' }

/**
 * All tensors of `graph` that lie in the file `weights`, by name. Throws `bad-pack` for what is no such graph, and for one
 * that ONNX Runtime would misread (`pack/weight-windows`), as old packs with large weights have.
 */
export function weightsOfGraph(graph: Uint8Array, weights: string): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>()
  for (const model of fields(graph)) {
    if (model.number !== MODEL.graph) continue
    for (const part of fields(bytesOf(model))) {
      if (part.number !== GRAPH.initializer) continue
      const tensor = storedTensor(bytesOf(part), weights)
      if (tensor !== null) tensors.set(tensor.name, tensor)
    }
  }
  return tensors
}

/** Null for a constant inside the graph. */
function storedTensor(bytes: Uint8Array, weights: string): StoredTensor | null {
  const dims: number[] = []
  const external = new Map<string, string>()
  let name = ''
  let type: StoredTensor['type'] | undefined
  for (const field of fields(bytes)) {
    if (field.number === TENSOR.dims) {
      if (typeof field.value === 'number') dims.push(field.value)
      else for (let at = 0; at < field.value.length;) at = pushVarint(field.value, at, dims)
    }
    if (field.number === TENSOR.dataType && typeof field.value === 'number') type = TYPES[field.value]
    if (field.number === TENSOR.name) name = text(bytesOf(field))
    if (field.number === TENSOR.externalData) external.set(...entryOf(bytesOf(field)))
  }
  if (external.size === 0 || type === undefined) return null
  const location = external.get('location')
  const [offset, length] = ['offset', 'length'].map((key) => Number(external.get(key)))
  if (offset === undefined || length === undefined || !(offset >= 0 && length > 0)) throw broken()
  const window = windowNamed(location ?? '', weights)
  if (window === null) throw broken()
  const problem = reachProblem(window.location, offset + length)
  if (problem !== null)
    throw new AppError('bad-pack', `This pack cannot be used: a graph of it ${problem}; convert it again.`)
  const at = window.start + offset
  // A graph that computes in float32 asks for float16 weights widened; here they are read as they lie.
  return window.widened
    ? { name, dims, type: 'float16', offset: at / 2, bytes: length / 2 }
    : { name, dims, type, offset: at, bytes: length }
}

function entryOf(bytes: Uint8Array): [string, string] {
  const entry: [string, string] = ['', '']
  for (const field of fields(bytes)) {
    if (field.number === ENTRY.key) entry[0] = text(bytesOf(field))
    if (field.number === ENTRY.value) entry[1] = text(bytesOf(field))
  }
  return entry
}

/** A field of a protobuf message. */
export interface Field {
  number: number
  /** A varint, or the bytes of anything else. */
  value: number | Uint8Array
}

/** Protobuf's wire types. */
const WIRE = { varint: 0, eightBytes: 1, bytes: 2, fourBytes: 5 }

/** Of a message, in order. Throws `bad-pack` where it breaks off. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  const numbers: number[] = []
  const varint = (from: number): [number, number] => {
    const next = pushVarint(bytes, from, numbers)
    return [numbers.pop() ?? 0, next]
  }
  for (let at = 0; at < bytes.length;) {
    const [tag, behind] = varint(at)
    const [number, wire] = [Math.floor(tag / 8), tag % 8]
    if (wire === WIRE.varint) {
      const [value, next] = varint(behind)
      at = next
      yield { number, value }
      continue
    }
    const [length, start] =
      wire === WIRE.bytes
        ? varint(behind)
        : [wire === WIRE.fourBytes ? 4 : wire === WIRE.eightBytes ? 8 : NaN, behind]
    at = start + length
    // Also of a length that is no number.
    if (!(at <= bytes.length)) throw broken()
    yield { number, value: bytes.subarray(start, at) }
  }
}

/** Appends the varint at `at`; returns where the next thing begins. Above 2^53 digits are lost, which no size reaches. */
function pushVarint(bytes: Uint8Array, at: number, into: number[]): number {
  let value = 0
  for (let i = 0; i < 10; i += 1) {
    const byte = bytes[at + i]
    if (byte === undefined) break
    value += (byte & 127) * 128 ** i
    if (byte < 128) {
      into.push(value)
      return at + i + 1
    }
  }
  throw broken()
}

export function bytesOf({ value }: Field): Uint8Array {
  if (typeof value === 'number') throw broken()
  return value
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function broken(): AppError {
  return new AppError('bad-pack', 'A graph of this pack is broken; convert or download it again.')
}
