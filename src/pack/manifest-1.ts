/**
 * Manifests of format 1, which knew one family: BLIP-2 with OPT in three graphs. They are moved into the shape of
 * format 2 before anybody looks at them, so only this file knows that there ever was another.
 */
import { isRecord } from './json.ts'

type Json = Record<string, unknown>

/** Fields (or beginnings of them) of format 2, and where format 1 has them; the first that fits counts. */
const MOVED: readonly (readonly [now: string, before: string])[] = [
  ['parts.q-former.shape.embeddingSize', 'shape.text.hiddenSize'],
  ['parts.decoder.shape.queries', 'shape.qFormer.queries'],
  ['parts.vision.shape', 'shape.vision'],
  ['parts.q-former.shape', 'shape.qFormer'],
  ['parts.decoder.shape', 'shape.text'],
  ['parts.vision.graphs', 'graphs.vision'],
  ['parts.q-former.graphs', 'graphs.q-former'],
  ['parts.decoder.graphs', 'graphs.decoder'],
]

/** The same pack as format 2 says it. Nothing is checked: what is missing stays missing. */
export function upgradeFormat1(manifest: Json): Json {
  const { shape, graphs, ...rest } = manifest
  const { vision, qFormer, text } = objectOf(shape)
  const part = (name: string, own: Json): Json => ({
    graphs: objectOf(graphs)[name],
    weights: `${name}.weights`,
    shape: own,
  })
  return {
    ...rest,
    version: 2,
    family: 'blip2-opt',
    parts: {
      vision: part('vision', objectOf(vision)),
      'q-former': part('q-former', { ...objectOf(qFormer), embeddingSize: objectOf(text)['hiddenSize'] }),
      decoder: part('decoder', { ...objectOf(text), queries: objectOf(qFormer)['queries'] }),
    },
  }
}

/** What a field of format 2 is called in a manifest of format 1. */
export function fieldOfFormat1(field: string): string {
  const moved = MOVED.find(([now]) => field === now || field.startsWith(`${now}.`))
  return moved === undefined ? field : moved[1] + field.slice(moved[0].length)
}

function objectOf(value: unknown): Json {
  return isRecord(value) ? value : {}
}
