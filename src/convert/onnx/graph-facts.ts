/** What an ONNX graph says of itself: what it takes and gives, and the weights that it expects beside it. */
import { fromBinary } from '@bufbuild/protobuf'
import {
  ModelProtoSchema,
  TensorProto_DataType as DataType,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './gen/onnx_pb.ts'

export interface DeclaredTensor {
  name: string
  /** As ONNX calls it, in small letters without a separator: `float`, `int64`; `none` for what is no tensor. */
  type: string
  /** Null for a dimension that varies, or the whole for one of unknown rank. */
  dims: (number | null)[] | null
}

export interface ExternalData {
  /** Path of the file within the pack. */
  location: string
  /** One past the last byte that is wanted of it; NaN where that is no number. */
  end: number
}

export interface GraphFacts {
  inputs: DeclaredTensor[]
  outputs: DeclaredTensor[]
  external: ExternalData[]
}

/** Null for bytes that are no graph. */
export function readGraph(bytes: Uint8Array): GraphFacts | null {
  try {
    const { graph } = fromBinary(ModelProtoSchema, bytes)
    if (graph === undefined || graph.node.length === 0) return null
    // Older graphs list their weights among the inputs.
    const own = new Set(graph.initializer.map(({ name }) => name))
    const tensors = [...graph.initializer, ...graph.node.flatMap(tensorsIn)]
    return {
      inputs: graph.input.filter(({ name }) => !own.has(name)).map(declared),
      outputs: graph.output.map(declared),
      external: tensors.flatMap(externalOf),
    }
  } catch {
    return null
  }
}

function tensorsIn({ attribute }: NodeProto): TensorProto[] {
  return attribute.flatMap(({ t }) => (t === undefined ? [] : [t]))
}

function externalOf({ externalData }: TensorProto): ExternalData[] {
  if (externalData.length === 0) return []
  const entries = new Map(externalData.map(({ key, value }) => [key, value]))
  const [offset, length] = [entries.get('offset') ?? '0', entries.get('length') ?? '0']
  const whole = [offset, length].every((text) => /^\d+$/.test(text))
  return [{ location: entries.get('location') ?? '', end: whole ? Number(offset) + Number(length) : NaN }]
}

function declared({ name, type }: ValueInfoProto): DeclaredTensor {
  if (type?.value.case !== 'tensorType') return { name, type: 'none', dims: null }
  const { elemType, shape } = type.value.value
  const dims = shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : null)) ?? null
  return { name, type: (DataType[elemType] ?? 'none').toLowerCase(), dims }
}
