/**
 * Writes one ONNX graph, value by value. Weights are only named here: they lie in the pack as external data, and
 * several graphs (targets) may refer to the same bytes. Shape-like constants stay inline, where ONNX Runtime needs
 * them on the processor.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './gen/onnx_pb.ts'
import { AppError } from '../../pack/failure.ts'
import { placeInWindow } from '../../pack/weight-windows.ts'
import type { Initialiser } from '../weights.ts'

/** The name of a value in the graph. */
export type Value = string

export type ValueType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8'
export type ComputeType = 'float32' | 'float16'
export type AccuracyLevel = 0 | 4

/** Integers become INT attributes, `{ float }` FLOAT: protobuf tells them apart where JavaScript cannot. */
export type Attributes = Record<string, number | number[] | { float: number }>

const DATA_TYPE: Record<ValueType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
}

/** ONNX IR version 10 and opset 21 are what onnxruntime-web 1.30 was measured with; contrib operators have version 1. */
const IR_VERSION = 10n
const OPSETS = [
  { domain: '', version: 21n },
  { domain: 'com.microsoft', version: 1n },
]

/** Operators that live in ONNX Runtime's own domain. */
const CONTRIB = new Set([
  'MatMulNBits',
  'GatherBlockQuantized',
  'SkipLayerNormalization',
  'SkipSimplifiedLayerNormalization',
  'MultiHeadAttention',
  'GroupQueryAttention',
  'Gelu',
  'FastGelu',
  'BiasSplitGelu',
])

export class GraphBuilder {
  /** The type that floating-point values inside the graph have; float16 weights of float32 graphs are widened. */
  readonly computeType: ComputeType
  /** `accuracy_level` of `MatMulNBits`: 0 computes in the compute type, 4 may round its input to 8 bits. */
  readonly accuracyLevel: AccuracyLevel
  readonly #location: string
  readonly #nodes: NodeProto[] = []
  readonly #initialisers = new Map<string, TensorProto>()
  readonly #inputs: ValueInfoProto[] = []
  readonly #outputs: ValueInfoProto[] = []
  #values = 0

  /** `location` is the path of the weights file within the pack. */
  constructor(computeType: ComputeType, location: string, accuracyLevel: AccuracyLevel = 0) {
    this.computeType = computeType
    this.accuracyLevel = accuracyLevel
    this.#location = location
  }

  input(name: string, type: ValueType, dims: (number | string)[]): Value {
    this.#inputs.push(valueInfo(name, type, dims))
    return name
  }

  /** Declares `value` as the graph's output called `name`. */
  output(name: string, value: Value, type: ValueType, dims: (number | string)[]): void {
    this.#outputs.push(valueInfo(name, type, dims))
    this.#node('Identity', [value], [name], {})
  }

  /** Declares an output that a node already writes under its final name. */
  namedOutput(name: string, type: ValueType, dims: (number | string)[]): void {
    this.#outputs.push(valueInfo(name, type, dims))
  }

  /** One node with one output. Optional inputs that are left out are empty strings. */
  op(opType: string, inputs: Value[], attributes: Attributes = {}): Value {
    const output = this.#fresh(opType)
    this.#node(opType, inputs, [output], attributes)
    return output
  }

  /** One node with several outputs; an empty string leaves an optional output out, `null` asks for a fresh name. */
  ops(opType: string, inputs: Value[], outputs: (Value | null)[], attributes: Attributes = {}): Value[] {
    const names = outputs.map((output) => output ?? this.#fresh(opType))
    this.#node(opType, inputs, names, attributes)
    return names
  }

  /**
   * A weight of the pack as a value in the graph's compute type. `dims` may name the same bytes by another shape
   * (ONNX Runtime's CPU `MatMulNBits` wants three dimensions where `GatherBlockQuantized` wants two).
   */
  weight(initialiser: Initialiser, dims: number[] = initialiser.dims): Value {
    const name = dims === initialiser.dims ? initialiser.name : `${initialiser.name}/${dims.join('x')}`
    if (!this.#initialisers.has(name)) this.#initialisers.set(name, this.#external(name, initialiser, dims))
    return name
  }

  /** An int64 constant kept inside the graph file. */
  integers(values: number[], dims: number[] = [values.length]): Value {
    const name = `int64/${dims.join('x')}/${values.join(',')}`
    if (!this.#initialisers.has(name)) {
      const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      const tensor = create(TensorProtoSchema, {
        name,
        dataType: DATA_TYPE.int64,
        dims: dims.map(BigInt),
        rawData: raw,
      })
      this.#initialisers.set(name, tensor)
    }
    return name
  }

  /** A float32 constant kept inside the graph file: few numbers, or equal ones in a graph that computes in float32. */
  float32(values: Float32Array<ArrayBuffer>, dims: number[]): Value {
    const name = `float32/${dims.join('x')}/${values.length === 1 ? values[0] : this.#values}`
    if (!this.#initialisers.has(name)) {
      const rawData = new Uint8Array(values.buffer)
      const tensor = create(TensorProtoSchema, {
        name,
        dataType: DATA_TYPE.float32,
        dims: dims.map(BigInt),
        rawData,
      })
      this.#initialisers.set(name, tensor)
    }
    return name
  }

  /** `value` in another type; nothing is added when it already has it. */
  cast(value: Value, from: ValueType, to: ValueType): Value {
    return from === to ? value : this.op('Cast', [value], { to: DATA_TYPE[to] })
  }

  /** The finished model as an ONNX file. */
  finish(name: string): Uint8Array<ArrayBuffer> {
    const graph = create(GraphProtoSchema, {
      name,
      node: this.#nodes,
      initializer: [...this.#initialisers.values()],
      input: this.#inputs,
      output: this.#outputs,
    })
    const opsetImport = OPSETS.map((opset) => create(OperatorSetIdProtoSchema, opset))
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'pictalk',
      graph,
      opsetImport,
    })
    return toBinary(ModelProtoSchema, model)
  }

  #fresh(opType: string): Value {
    this.#values += 1
    return `${opType}_${this.#values}`
  }

  #external(name: string, initialiser: Initialiser, dims: number[]): TensorProto {
    const { type, offset, bytes } = initialiser
    if (type === 'float32' && this.computeType === 'float16')
      throw new AppError('bug', `${name} is stored in float32 for a graph that computes in float16.`)
    const widened = type === 'float16' && this.computeType === 'float32'
    const place = placeInWindow(this.#location, widened ? 2 * offset : offset, widened)
    const entries = {
      location: place.location,
      offset: String(place.offset),
      length: String(widened ? 2 * bytes : bytes),
    }
    return create(TensorProtoSchema, {
      name,
      dataType: DATA_TYPE[widened ? 'float32' : type],
      dims: dims.map(BigInt),
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    })
  }

  #node(opType: string, input: Value[], output: Value[], attributes: Attributes): void {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value))
    const domain = CONTRIB.has(opType) ? 'com.microsoft' : ''
    const name = `${opType}/${this.#nodes.length}`
    this.#nodes.push(create(NodeProtoSchema, { name, opType, domain, input, output, attribute }))
  }
}

function attributeProto(name: string, value: Attributes[string]): AttributeProto {
  if (Array.isArray(value)) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
  }
  if (typeof value === 'object')
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
}

function valueInfo(name: string, type: ValueType, dims: (number | string)[]): ValueInfoProto {
  const dim = dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    }),
  )
  const tensor = create(TypeProto_TensorSchema, {
    elemType: DATA_TYPE[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  })
}
