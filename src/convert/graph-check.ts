/**
 * Whether the graphs of a pack are those that its manifest describes. A manifest vouches for bytes, and the bytes of a
 * graph may still be another model's: found out here, before weights are fetched or a session is opened.
 */
import { graphTreaty, type GraphTreaty, type TensorTreaty, type TensorType } from '../pack/graph-treaty.ts'
import { partsOf, TARGETS, type PackPart, type PartName, type Target } from '../pack/families.ts'
import type { PackManifest } from '../pack/manifest.ts'
import { reachProblem, windowNamed } from '../pack/weight-windows.ts'
import { readGraph, type DeclaredTensor, type ExternalData } from './onnx/graph-facts.ts'

/** ONNX's names. */
const TYPES: Record<TensorType, string> = {
  float32: 'float',
  float16: 'float16',
  int64: 'int64',
  int32: 'int32',
}

/** What is wrong with the graph at `path`, to be read behind its name; null for nothing. */
export function graphProblem(manifest: PackManifest, path: string, bytes: Uint8Array): string | null {
  const graph = readGraph(bytes)
  if (graph === null) return 'is no ONNX graph'
  for (const { name, part, target } of usesOf(manifest, path)) {
    const weights = graph.external.map((wanted) => weightsProblem(manifest, part, wanted))
    const treaty = graphTreaty(manifest, name, target)
    const problem =
      weights.find((one) => one !== null) ?? (treaty === null ? null : treatyProblem(treaty, graph, name))
    if (problem !== null) return problem
  }
  return null
}

interface Use {
  name: PartName
  part: PackPart
  target: Target
}

/** One graph may serve several targets. */
function usesOf(manifest: PackManifest, path: string): Use[] {
  return partsOf(manifest).flatMap(([name, part]) =>
    TARGETS.filter((target) => part.graphs[target] === path).map((target) => ({ name, part, target })),
  )
}

/** Weights lie in the file of the part, or are those of 16 bits read as 32. */
function weightsProblem(
  { files }: PackManifest,
  { weights }: PackPart,
  { location, end }: ExternalData,
): string | null {
  const stored = files.find(({ path }) => path === weights)?.bytes ?? 0
  const window = windowNamed(location, weights)
  if (window === null) return `wants weights of ${location}, which is no part of it`
  const there = (window.widened ? 2 : 1) * stored - window.start
  if (!(end <= there)) return `wants more of ${location} than there is`
  return reachProblem(location, end)
}

function treatyProblem(
  treaty: GraphTreaty,
  { inputs, outputs }: { inputs: DeclaredTensor[]; outputs: DeclaredTensor[] },
  part: PartName,
): string | null {
  return (
    tensorsProblem(treaty.inputs, inputs, part, 'input') ??
    tensorsProblem(treaty.outputs, outputs, part, 'output')
  )
}

function tensorsProblem(
  wanted: Record<string, TensorTreaty>,
  found: readonly DeclaredTensor[],
  part: PartName,
  what: 'input' | 'output',
): string | null {
  for (const { name } of found)
    if (!Object.hasOwn(wanted, name)) return `has an ${what} ${name}, which a ${part} has not`
  for (const [name, { type, dims }] of Object.entries(wanted)) {
    const tensor = found.find((one) => one.name === name)
    if (tensor === undefined) return `has no ${what} ${name}, which a ${part} has`
    if (tensor.type !== TYPES[type] || !fits(dims, tensor.dims))
      return `has an ${what} ${name} that is ${described(tensor.type, tensor.dims)} instead of ${described(TYPES[type], dims)}`
  }
  return null
}

/** What varies must be free to, and what is fixed may be said or not. */
function fits(wanted: TensorTreaty['dims'], found: DeclaredTensor['dims']): boolean {
  if (found === null) return true
  return wanted.length === found.length && wanted.every((size, i) => found[i] === null || found[i] === size)
}

function described(type: string, dims: readonly (number | null)[] | null): string {
  return `${type} [${dims === null ? '…' : dims.map((size) => size ?? '?').join(', ')}]`
}
