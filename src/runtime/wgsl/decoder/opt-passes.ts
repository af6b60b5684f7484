/** The dispatches of an OPT decoder, over a cache: of one token, of several rows, and of the logits at their end. */
import { decoder as treaty } from '../../../pack/parts.ts'
import { tensorAt, type Tensors } from '../../language/kv-cache.ts'
import { gpuBufferOf } from '../../ort/tensor.ts'
import { dispatch, type Dispatch } from '../gpu/kernel.ts'
import { formatName } from '../gpu/weights-format.ts'
import { combineWorkgroups } from '../kernels/attention/combine.ts'
import { finishWorkgroups } from '../kernels/finish/finish.ts'
import { topParts } from '../kernels/top/top.ts'
import { tileWorkgroups } from '../kernels/tile/tile.ts'
import type { MatrixPlace } from '../weights/stored.ts'
import { tileRowsFor, type LayerProduct } from './layout.ts'
import type { Activations, MatrixBuffers, OptWeights, TileSizes } from './opt-buffers.ts'
import { THREADS, type DecoderKernels, type OptKernels, type StepProduct } from './opt-kernels.ts'
import type { OptPlaces } from './opt-weights.ts'

export interface OptPassesParts extends DecoderKernels {
  kernels: OptKernels
  places: OptPlaces
  weights: OptWeights
  values: Activations
}

interface CacheBuffers {
  keys: GPUBuffer
  values: GPUBuffer
}

/** Where a product of one row reads and writes. */
interface ProductEnds {
  from: GPUBuffer
  to: GPUBuffer
  more?: readonly GPUBuffer[]
}

export class OptPasses {
  /** Logits of the wanted row, and the choice among them. */
  readonly ending: readonly Dispatch[]
  readonly #parts: OptPassesParts
  /** Bind groups are made once for every set of cache tensors. */
  readonly #steps = new WeakMap<Tensors, Dispatch[]>()
  readonly #longSteps = new WeakMap<Tensors, Dispatch[]>()
  /** The same of as many rows as there are sequences. */
  readonly #rowSteps = new WeakMap<Tensors, Dispatch[]>()

  constructor(parts: OptPassesParts) {
    this.#parts = parts
    this.ending = this.#ending()
  }

  /**
   * One token in row 0: embedding, five dispatches a layer, head and choice; one more a layer where attention is `split`,
   * two more and one where norms do not fit into products.
   */
  step(tensors: Tensors, split = false): Dispatch[] {
    const all = split ? this.#longSteps : this.#steps
    const known = all.get(tensors) ?? this.#step(tensors, split)
    all.set(tensors, known)
    return known
  }

  /**
   * A token in each of `count` rows, to all their logits. `tensors` have so many sequences; whether those own each
   * other's positions stays as it is.
   */
  stepOfRows(tensors: Tensors, count: number, owned: boolean): Dispatch[] {
    const made = (): Dispatch[] => [...this.rows(tensors, null, count, owned), ...this.scoring(count)]
    const known = this.#rowSteps.get(tensors) ?? made()
    this.#rowSteps.set(tensors, known)
    return known
  }

  /** The best token of each of `count` rows of logits. */
  choosing(count: number): Dispatch {
    const { shared, values } = this.#parts
    return dispatch(shared.chooseRows, [values.logits, values.choices], [count, 1, 1])
  }

  /** What is wanted of each of `count` rows of logits. */
  top(count: number): Dispatch[] {
    const { kernels, shared, values } = this.#parts
    const { logits, topWanted, topParts: parts, topRecords: records, topFound: found } = values
    return [
      dispatch(
        shared.topParts,
        [logits, topWanted, parts, records, found],
        [topParts(kernels.layout.top()), count, 1],
      ),
      dispatch(shared.topRows, [topWanted, parts, records, found], [count, 1, 1]),
    ]
  }

  /**
   * `count` rows through all layers; the last norm's result is there, too. `queries`: [Q, hidden] in float32, null where
   * no row is one.
   */
  rows(tensors: Tensors, queries: GPUBuffer | null, count: number, owned = false): Dispatch[] {
    const { norm, weights, values } = this.#parts
    const [first] = weights.layers
    return [
      this.#embed(queries ?? values.noQueries, count),
      dispatch(norm, [values.x, first?.floats ?? weights.finalFloats, values.normed], [count, 1, 1]),
      ...weights.layers.flatMap((_, i) => {
        const cache = this.#cacheOf(tensors, i)
        const attention = owned ? this.#ownedAttention(cache, count) : this.#attention(cache, count)
        return this.#rowsOfLayer(i, { cache, attention, count })
      }),
    ]
  }

  /** Logits of all of `count` rows, out of what `rows` normalised last. */
  scoring(count: number): Dispatch[] {
    const { kernels, rows, places, weights, values } = this.#parts
    return [
      this.#tile('head', places.head, weights.head, values.normed, count),
      dispatch(
        rows.headFinish,
        [values.partial, weights.finalFloats, values.state, values.logits],
        finishWorkgroups(kernels.layout.finishHead(), THREADS, count),
      ),
    ]
  }

  #step(tensors: Tensors, split: boolean): Dispatch[] {
    const { weights, values } = this.#parts
    return [
      this.#embed(values.noQueries, 1),
      ...weights.layers.flatMap((_, i) => {
        const cache = this.#cacheOf(tensors, i)
        return [
          ...this.#normedProduct('qkv', i, values.query, [cache.keys, cache.values]),
          ...(split ? this.#longAttention(cache) : [this.#attention(cache, 1)]),
          this.#product('output', i, { from: values.attended, to: values.x }),
          ...this.#normedProduct('fc1', i, values.wide),
          this.#product('fc2', i, { from: values.wide, to: values.x }),
        ]
      }),
      ...this.ending,
    ]
  }

  #rowsOfLayer(
    i: number,
    { cache, attention, count }: { cache: CacheBuffers; attention: Dispatch; count: number },
  ): Dispatch[] {
    const { kernels, rows, weights, values } = this.#parts
    const { layout, layerMatrices } = kernels
    const layer = this.#layerAt(i)
    const next = weights.layers[i + 1]?.floats ?? weights.finalFloats
    const { floats } = layer
    const tile = (name: LayerProduct, from: GPUBuffer): Dispatch =>
      this.#tile(name, layerMatrices[name], layer[name], from, count)
    const finish = (name: LayerProduct, to: GPUBuffer, more: GPUBuffer[] = []): Dispatch =>
      dispatch(
        rows.finish[name],
        [values.partial, floats, values.state, to, ...more],
        finishWorkgroups(layout.finish(name, layerMatrices[name]), THREADS, count),
      )
    return [
      tile('qkv', values.normed),
      finish('qkv', values.query, [cache.keys, cache.values]),
      attention,
      tile('output', values.attended),
      finish('output', values.x, [floats, values.normed]),
      tile('fc1', values.normed),
      finish('fc1', values.wide),
      tile('fc2', values.wide),
      finish('fc2', values.x, [next, values.normed]),
    ]
  }

  /**
   * A product of one row in every layer and nothing else, in a way that may not be the one that is used: to be timed. Of what
   * it reads nothing has a meaning; keys and values go where nobody looks, of a cache that has one position.
   */
  inEveryLayer(name: LayerProduct, product: StepProduct): Dispatch[] {
    const { weights, values } = this.#parts
    const { x, query, attended, wide, partial } = values
    const ends: Record<LayerProduct, ProductEnds> = {
      qkv: { from: x, to: query, more: [attended, partial] },
      output: { from: attended, to: x },
      fc1: { from: x, to: wide },
      fc2: { from: wide, to: x },
    }
    return weights.layers.map((_, i) => this.#product(name, i, ends[name], product))
  }

  #ending(): Dispatch[] {
    const { kernels, shared, weights, values } = this.#parts
    const { packed, scales } = weights.head
    const folded = kernels.layout.head().norm !== null
    const from = folded ? values.x : values.normed
    const head = [from, weights.finalFloats, packed, scales, values.state, values.logits, values.records]
    // Behind several rows the wanted one is normalised already, and stays.
    const norm = this.#parts.norm
    return [
      ...(folded ? [] : [dispatch(norm, [values.x, weights.finalFloats, values.normed], [1, 1, 1])]),
      dispatch(shared.head, head, [kernels.headGroups, 1, 1]),
      dispatch(shared.choose, [values.records, values.state, values.choices], [1, 1, 1]),
    ]
  }

  #embed(queries: GPUBuffer, count: number): Dispatch {
    const { shared, weights, values } = this.#parts
    const { packed, scales } = weights.table
    const buffers = [packed, scales, weights.positions, queries, values.state, values.x]
    return dispatch(shared.embed, buffers, [count, 1, 1])
  }

  /** The norm that stands in front of a product, in it where it fits. */
  #normedProduct(name: 'qkv' | 'fc1', i: number, to: GPUBuffer, more: readonly GPUBuffer[] = []): Dispatch[] {
    const { kernels, norm, norm2, values } = this.#parts
    if (kernels.layout.product(name, kernels.layerMatrices[name]).norm !== null)
      return [this.#product(name, i, { from: values.x, to, more })]
    const { floats } = this.#layerAt(i)
    return [
      dispatch(name === 'qkv' ? norm : norm2, [values.x, floats, values.normed], [1, 1, 1]),
      this.#product(name, i, { from: values.normed, to, more }),
    ]
  }

  #product(
    name: LayerProduct,
    i: number,
    { from, to, more = [] }: ProductEnds,
    { kernel, workgroups }: StepProduct = this.#parts.products[name],
  ): Dispatch {
    const { values } = this.#parts
    const layer = this.#layerAt(i)
    const { packed, scales } = layer[name]
    return dispatch(
      kernel,
      [from, layer.floats, packed, scales, values.state, to, ...more],
      [workgroups, 1, 1],
    )
  }

  #tile(
    name: keyof TileSizes,
    place: MatrixPlace,
    { packed, scales }: MatrixBuffers,
    from: GPUBuffer,
    count: number,
  ): Dispatch {
    const { kernels, rows, values } = this.#parts
    const tileRows = tileRowsFor(count)
    const kernel = rows.tiles[tileRows].get(formatName(place.format))
    if (kernel === undefined) throw new Error(`There are no tiles for ${formatName(place.format)}.`)
    const buffers = [from, packed, scales, values.state, values.tileSizes[name], values.partial]
    return dispatch(kernel, buffers, tileWorkgroups(kernels.layout.tile(place), tileRows, count))
  }

  #attention({ keys, values: stored }: CacheBuffers, count: number): Dispatch {
    const { kernels, shared, values } = this.#parts
    const buffers = [values.query, keys, stored, values.state, values.attended, values.parts]
    return dispatch(shared.attention, buffers, [kernels.layout.heads.heads, count, 1])
  }

  #ownedAttention({ keys, values: stored }: CacheBuffers, count: number): Dispatch {
    const { kernels, shared, values } = this.#parts
    const { query, state, attended, parts, owners } = values
    const buffers = [query, keys, stored, state, attended, parts, owners]
    return dispatch(shared.ownedAttention, buffers, [kernels.layout.heads.heads, count, 1])
  }

  /** Of one row, in parts. */
  #longAttention(cache: CacheBuffers): Dispatch[] {
    const { kernels, shared, values } = this.#parts
    const shape = kernels.layout.longAttention()
    if (shape === null || shared.long === null) return [this.#attention(cache, 1)]
    const { query, state, shares, shareParts, attended } = values
    const { attention, combine } = shared.long
    const buffers = [query, cache.keys, cache.values, state, shares, shareParts]
    return [
      dispatch(attention, buffers, [shape.heads, 1, shape.splits]),
      dispatch(combine, [shares, shareParts, attended], combineWorkgroups(shape, 1)),
    ]
  }

  #layerAt(i: number): OptWeights['layers'][number] {
    const layer = this.#parts.weights.layers[i]
    if (layer === undefined) throw new Error(`There is no layer ${i}.`)
    return layer
  }

  #cacheOf(tensors: Tensors, layer: number): CacheBuffers {
    return {
      keys: gpuBufferOf(tensorAt(tensors, treaty.pastKey(layer))),
      values: gpuBufferOf(tensorAt(tensors, treaty.pastValue(layer))),
    }
  }
}
