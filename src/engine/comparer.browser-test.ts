import { afterAll, beforeEach, expect, it } from 'vitest'
import type { CompareCalls } from '../protocol/compare-calls.ts'
import type { FoundPicture, IndexProgress, SearchCalls } from '../protocol/search-calls.ts'
import { connect, type Client } from '../protocol/rpc.ts'
import { captionsOf } from '../scenes/language.ts'
import { drawScene } from '../scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../scenes/scene.ts'

let worker: Worker | null = null
let client: Client<CompareCalls & SearchCalls>

/** Ends the thread, at whatever it was, and begins another. */
async function begin(): Promise<void> {
  worker?.terminate()
  worker = new Worker(new URL('./comparer.worker.ts', import.meta.url), { type: 'module' })
  client = connect(worker)
  const url = new URL('/models/drawn-scenes-retrieval/', location.href).href
  const pack = { kind: 'web', url } as const
  const chosen = await client.call('choose', { pack, prefer: 'wasm', besideBytes: 0 })
  expect(chosen?.manifest.name).toBe('drawn-scenes-retrieval')
}
beforeEach(begin)
afterAll(() => worker?.terminate())

const scenes = Array.from({ length: 12 }, (_, i) => makeScene(FIRST_HELD_OUT_SEED + i))
const captions = scenes.map((scene) => captionsOf(scene, 5)[0] ?? '')

/** A scene as a PNG. */
async function drawn(index: number): Promise<File> {
  const scene = scenes[index]
  if (scene === undefined) throw new Error('There is no such scene.')
  const image = new Image()
  image.src = `data:image/svg+xml;base64,${btoa(drawScene(scene))}`
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  canvas.getContext('2d')?.drawImage(image, 0, 0)
  return new File([await canvas.convertToBlob()], `${index}.png`, { lastModified: 1_000 + index })
}

it('compares pictures with texts in a thread of its own, with the model that is shipped', async () => {
  for (const index of [0, 1, 2]) {
    const picture = { id: `scene ${index}`, image: await drawn(index) }
    const matches = await client.call('match', { picture, texts: captions.slice(0, 3) })
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

/** What is found, best first. */
async function find(query: SearchCalls['find']['in']): Promise<FoundPicture[]> {
  return (await client.call('find', query)).pictures
}

it('finds the pictures of a folder by words, whenever the thread was ended while it looked at them', async () => {
  const files = await Promise.all(
    scenes.map(async (_, i) => ({ path: `scenes/${i}.png`, file: await drawn(i) })),
  )
  files.push({ path: 'notes.png', file: new File(['words'], 'notes.png', { lastModified: 1 }) })
  const folder = { name: 'scenes', handle: null, files }
  let source = await client.call('addFolder', folder)
  for (const stopAt of [2, 9]) {
    await new Promise<void>((resolve) => {
      const onEvent = ({ done }: IndexProgress): void => {
        if (done === stopAt) resolve()
      }
      client.call('index', { source }, { onEvent }).catch(() => undefined)
    })
    await begin()
    const { sources } = await client.call('searchState', null)
    // A folder that was lent for another visit is remembered, and is the same when it is chosen again.
    expect(sources[1]).toMatchObject({ id: source, isHere: false })
    source = await client.call('addFolder', folder)
  }
  const { total, refused } = await client.call('index', { source })
  expect(total).toBeLessThan(13)
  expect(refused).toBeLessThanOrEqual(1)
  expect((await client.call('searchState', null)).sources[1]).toMatchObject({ pictures: 12, refused: 1 })
  for (const [i, text] of captions.entries()) {
    const found = await find({ kind: 'words', text })
    const places = found.map(({ name }) => name)
    expect(places.indexOf(`${i}.png`), text).toBeLessThan(2)
  }
  const found = await find({ kind: 'words', text: captions[3] ?? '' })
  const keys = found.slice(0, 4).map(({ key }) => key)
  const again = await client.call('rematch', { text: captions[3] ?? '', keys })
  const best = again.toSorted((a, b) => (b?.score ?? 0) - (a?.score ?? 0))[0]
  expect(found.find(({ key }) => key === best?.key)?.name).toBe('3.png')
  expect(best?.match).toBeGreaterThan(0.5)
  const [like] = await find({ kind: 'alike', key: best?.key ?? '' })
  expect(like).toMatchObject({ name: '3.png', likeness: expect.closeTo(1, 2) as number })
  const [latest] = await find({ kind: 'all' })
  expect(latest?.name).toBe('11.png')
  const [small, none] = await client.call('thumbnails', { sha256s: [latest?.sha256 ?? '', 'unknown'] })
  expect([...(small?.slice(0, 3) ?? [])]).toEqual([0xff, 0xd8, 0xff])
  expect(none).toBeNull()
  expect((await client.call('pictureFile', { key: latest?.key ?? '' }))?.size).toBe(latest?.bytes)
  expect(await client.call('removeSource', { source })).toMatchObject({ pictures: 0, bytes: 0 })
})
