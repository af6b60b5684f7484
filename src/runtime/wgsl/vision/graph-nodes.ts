/** What a part's graph computes, as far as its weights do not say it: its operators, and epsilons of norms. */
import { bytesOf, fields, text, type Field } from '../weights/graph-weights.ts'

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7 }
const GRAPH = { node: 1 }
const NODE = { input: 1, opType: 4, attribute: 5 }
const ATTRIBUTE = { name: 1, float: 2 }

/** Operators that normalise, and which of their inputs is the weight. */
const NORMS: Partial<Record<string, number>> = { LayerNormalization: 1, SkipLayerNormalization: 2 }

export interface GraphNodes {
  operators: ReadonlySet<string>
  /** Of each norm, by the name of its weight. */
  epsilons: ReadonlyMap<string, number>
}

/** Throws `bad-pack` for what is no graph. */
export function nodesOfGraph(graph: Uint8Array): GraphNodes {
  const operators = new Set<string>()
  const epsilons = new Map<string, number>()
  for (const model of fields(graph)) {
    if (model.number !== MODEL.graph) continue
    for (const part of fields(bytesOf(model))) {
      if (part.number !== GRAPH.node) continue
      const { operator, inputs, floats } = nodeOf(bytesOf(part))
      operators.add(operator)
      const weight = inputs[NORMS[operator] ?? -1]
      const epsilon = floats.get('epsilon')
      if (weight !== undefined && epsilon !== undefined) epsilons.set(weight, epsilon)
    }
  }
  return { operators, epsilons }
}

function nodeOf(bytes: Uint8Array): { operator: string; inputs: string[]; floats: Map<string, number> } {
  const inputs: string[] = []
  const floats = new Map<string, number>()
  let operator = ''
  for (const field of fields(bytes)) {
    if (field.number === NODE.input) inputs.push(text(bytesOf(field)))
    if (field.number === NODE.opType) operator = text(bytesOf(field))
    if (field.number === NODE.attribute) {
      const [name, value] = floatAttribute(bytesOf(field))
      if (value !== null) floats.set(name, value)
    }
  }
  return { operator, inputs, floats }
}

/** Null for one that is no float. */
function floatAttribute(bytes: Uint8Array): [string, number | null] {
  let name = ''
  let value: number | null = null
  for (const field of fields(bytes)) {
    if (field.number === ATTRIBUTE.name) name = text(bytesOf(field))
    if (field.number === ATTRIBUTE.float) value = floatOf(field)
  }
  return [name, value]
}

function floatOf(field: Field): number {
  const { buffer, byteOffset, byteLength } = bytesOf(field)
  return new DataView(buffer, byteOffset, byteLength).getFloat32(0, true)
}
