import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CompareCalls } from '../protocol/compare-calls.ts'
import { connect, type Client } from '../protocol/rpc.ts'
import { captionsOf } from '../scenes/language.ts'
import { drawScene } from '../scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../scenes/scene.ts'

let worker: Worker
let client: Client<CompareCalls>
beforeAll(() => {
  worker = new Worker(new URL('./comparer.worker.ts', import.meta.url), { type: 'module' })
  client = connect<CompareCalls>(worker)
})
afterAll(() => worker.terminate())

const scenes = [0, 1, 2].map((i) => makeScene(FIRST_HELD_OUT_SEED + i))
const captions = scenes.map((scene) => captionsOf(scene, 5)[0] ?? '')

/** A scene as a PNG. */
async function drawn(index: number): Promise<Blob> {
  const scene = scenes[index]
  if (scene === undefined) throw new Error('There is no such scene.')
  const image = new Image()
  image.src = `data:image/svg+xml;base64,${btoa(drawScene(scene))}`
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  canvas.getContext('2d')?.drawImage(image, 0, 0)
  return canvas.convertToBlob()
}

it('compares pictures with texts in a thread of its own, with the model that is shipped', async () => {
  const url = new URL('/models/drawn-scenes-retrieval/', location.href).href
  const chosen = await client.call('choose', {
    pack: { kind: 'web', url },
    prefer: 'wasm',
    besideBytes: 0,
  })
  expect(chosen?.manifest.name).toBe('drawn-scenes-retrieval')
  for (const index of scenes.keys()) {
    const picture = { id: `scene ${index}`, image: await drawn(index) }
    const matches = await client.call('match', { picture, texts: captions })
    const best = matches.map(({ itm }) => itm)
    expect(best.indexOf(Math.max(...best)), captions[index]).toBe(index)
    const { labels } = await client.call('classify', { picture, labels: captions, template: '{}' })
    expect(labels.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6)
    expect(labels[index]?.itc).toBeCloseTo(matches[index]?.itc ?? NaN, 4)
    const { byHead, layers, heads, queries } = await client.call('attend', { picture, text: 'a cat' })
    // Each row is a share of the picture.
    expect(byHead.reduce((sum, share) => sum + share, 0)).toBeCloseTo(layers * heads * queries, 2)
  }
})
