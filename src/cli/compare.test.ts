import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { convertCheckpoint } from '../convert/convert.ts'
import { openCheckpoint, type Checkpoint } from '../convert/checkpoint.ts'
import { AppError } from '../pack/failure.ts'
import { readPng } from '../image/png.ts'
import type { RetrievalReference } from '../../testing/parity/retrieval.ts'
import { RetrievalModel } from '../runtime/models/retrieval.ts'
import { liveTensorCount } from '../runtime/ort/tensor.ts'
import { attend, classify, embed, match } from './compare.ts'
import { folderSink, folderTree } from './files.ts'
import { search } from './search.ts'
import { caption, trace } from './talk.ts'

const IMAGES = ['shapes-97x61', 'smooth-300x200'].map((name) => `models/reference/images/${name}.png`)
const CHECKPOINT = 'models/reference/itm-odd'
const reference = JSON.parse(readFileSync(`${CHECKPOINT}/reference.json`, 'utf8')) as RetrievalReference

let folder = ''
let pack = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-'))
  pack = join(folder, 'pack')
  mkdirSync(pack)
  await convertCheckpoint(folderTree(CHECKPOINT), folderSink(pack), { name: 'odd', precision: 'fp32' })
})
afterAll(() => {
  rmSync(folder, { recursive: true })
  expect(liveTensorCount()).toBe(0)
})

interface Said {
  lines: string[]
  remarks: string[]
}

function run(): Said & {
  signal: AbortSignal
  print: (line: string) => void
  remark: (line: string) => void
} {
  const said: Said = { lines: [], remarks: [] }
  return {
    ...said,
    signal: new AbortController().signal,
    print: (line) => said.lines.push(line),
    remark: (line) => said.remarks.push(line),
  }
}

const flags = { alpha: 'drop', provider: 'wasm', json: true } as const

async function written(name: string): Promise<Checkpoint> {
  const bytes = new Uint8Array(readFileSync(join(folder, name))).buffer
  return openCheckpoint({
    open: (path) => Promise.resolve(path === 'model.safetensors' ? bytes : undefined),
  })
}

it('match says what transformers computes, from the picture files on, pictures outermost', async () => {
  const { lines, ...asked } = run()
  expect(await match({ pack, images: IMAGES, flags: { ...flags, text: reference.texts } }, asked)).toBe(0)
  const pairs = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(pairs.map(({ image }) => image)).toEqual(IMAGES.flatMap((image) => reference.texts.map(() => image)))
  expect(pairs.map(({ text }) => text)).toEqual([...reference.texts, ...reference.texts])
  const logits = reference.itmLogits.flat()
  reference.itc.flat().forEach((itc, i) => {
    const [no = 0, yes = 0] = logits[i] ?? []
    expect(pairs[i]?.['itc']).toBeCloseTo(itc, 4)
    const found = pairs[i]?.['itm_logits'] as number[]
    expect(found[0]).toBeCloseTo(no, 4)
    expect(found[1]).toBeCloseTo(yes, 4)
    expect(pairs[i]?.['itm']).toBeCloseTo(Math.exp(yes) / (Math.exp(no) + Math.exp(yes)), 4)
  })
})

it('one bad picture of several costs the others nothing, and is counted', async () => {
  const { lines, remarks, ...asked } = run()
  const images = ['README.md', ...IMAGES]
  expect(await match({ pack, images, flags: { ...flags, text: ['a cat'] } }, asked)).toBe(1)
  expect(lines).toHaveLength(2)
  expect(remarks).toEqual([expect.stringMatching(/^pictalk: README\.md: .*\[bad-image\]$/)])
})

describe('embed', () => {
  it('writes the vectors of each in order, and of one pair the queries that see the text', async () => {
    const out = join(folder, 'pair.safetensors')
    await embed({ pack, flags: { ...flags, image: IMAGES.slice(0, 1), text: ['red heart'], out } }, run())
    const { tensors } = await written('pair.safetensors')
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
      image_features: [1, 10, 44],
      query_output: [1, 5, 24],
      image_embeds: [1, 5, 20],
      text_embeds: [1, 20],
      multimodal_embeds: [1, 5, 24],
    })
  })

  it('leaves out what was not asked for', async () => {
    const out = join(folder, 'many.safetensors')
    await embed({ pack, flags: { ...flags, image: IMAGES, out } }, run())
    const { tensors } = await written('many.safetensors')
    expect([...tensors.keys()]).toEqual(['image_features', 'query_output', 'image_embeds'])
    expect(tensors.get('image_features')?.shape).toEqual([2, 10, 44])
  })

  it.each<[string, { image?: string[]; text?: string[] }, string]>([
    ['nothing', {}, 'bad-usage'],
    ['an empty text', { text: [' '] }, 'bad-usage'],
    ['a picture that is none', { image: ['README.md'] }, 'bad-image'],
    ['a text beyond the model', { text: ['red '.repeat(99)] }, 'prompt-too-long'],
  ])('refuses %s and writes nothing', async (_, wanted, code) => {
    const out = join(folder, 'none.safetensors')
    await expect(embed({ pack, flags: { ...flags, ...wanted, out } }, run())).rejects.toMatchObject({ code })
    expect(() => readFileSync(out)).toThrow()
  })
})

describe('attend', () => {
  it('writes the maps, by head and as their mean, each a share of the picture', async () => {
    const out = join(folder, 'maps.safetensors')
    const [image = ''] = IMAGES
    await attend({ pack, image, flags: { ...flags, out, text: 'red heart' } }, run())
    const file = await written('maps.safetensors')
    expect(file.tensors.get('cross_attention')?.shape).toEqual([3, 5, 10])
    expect(file.tensors.get('cross_attention_heads')?.shape).toEqual([3, 3, 5, 10])
    const mean = await file.readElements('cross_attention', 0, 150)
    const heads = await file.readElements('cross_attention_heads', 0, 450)
    expect(mean[7]).toBeCloseTo(((heads[7] ?? 0) + (heads[57] ?? 0) + (heads[107] ?? 0)) / 3, 6)
    expect(mean.slice(0, 10).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
  })

  it('draws a picture for each layer and query', async () => {
    const out = join(folder, 'maps.png')
    await attend({ pack, image: IMAGES[0] ?? '', flags: { ...flags, out } }, run())
    const { raster } = readPng(new Uint8Array(readFileSync(out)))
    expect([raster.width, raster.height]).toEqual([5 * 24 + 4 * 2, 3 * 24 + 2 * 2])
  })

  it('refuses another ending before anything is loaded', async () => {
    const asked = attend({ pack: 'none', image: 'none', flags: { ...flags, out: 'x.jpg' } }, run())
    await expect(asked).rejects.toMatchObject({ code: 'bad-usage' })
  })
})

describe('a picture that is to be written over', () => {
  it.each(['own.png', 'link.png'])('is refused by whoever writes a file, also as %s', async (name) => {
    const image = join(folder, 'own.png')
    cpSync(IMAGES[0] ?? '', image)
    const out = join(folder, name)
    if (name === 'link.png') symlinkSync('own.png', out)
    const asked = { ...flags, out }
    const traced = { ...asked, prompt: '', maxNewTokens: 1 }
    for (const attempt of [
      () => attend({ pack, image, flags: asked }, run()),
      () => embed({ pack, flags: { ...asked, image: [IMAGES[1] ?? '', image] } }, run()),
      () => trace({ pack, image, flags: traced }, run()),
    ])
      await expect(attempt()).rejects.toMatchObject({
        code: 'bad-usage',
        message: `${out} is the picture itself; name another file to write.`,
      })
    expect(readFileSync(image).equals(readFileSync(IMAGES[0] ?? ''))).toBe(true)
  })
})

it('classify divides likeness by the temperature that it states', async () => {
  const { lines, ...asked } = run()
  const labels = { label: ['red heart', 'cat'], template: 'a {}, a {}', temperature: 0.5 }
  await classify({ pack, images: IMAGES.slice(0, 1), flags: { ...flags, ...labels } }, asked)
  const { temperature, labels: found } = JSON.parse(lines[0] ?? '') as {
    temperature: number
    labels: { text: string; itc: number; probability: number }[]
  }
  expect(temperature).toBe(0.5)
  expect(found.map(({ text }) => text)).toEqual(['a red heart, a red heart', 'a cat, a cat'])
  const [first, second] = found
  const odds = Math.exp(((first?.itc ?? 0) - (second?.itc ?? 0)) / 0.5)
  expect((first?.probability ?? 0) / (second?.probability ?? 1)).toBeCloseTo(odds, 5)
})

it('a label that is given twice, and a file instead of a folder, are refused in a sentence', async () => {
  const labels = { label: ['cat', 'dog', ' cat'], template: 'a {}' }
  await expect(
    classify({ pack, images: IMAGES, flags: { ...flags, ...labels } }, run()),
  ).rejects.toMatchObject({
    code: 'bad-usage',
    message: 'The label cat is given twice; give each label once.',
  })
  const wanted = { ...flags, text: 'cat', top: 5 }
  await expect(search({ pack, folder: IMAGES[0] ?? '', flags: wanted }, run())).rejects.toThrow(
    /is no folder; give one with pictures\.$/,
  )
})

it('search finds pictures in folders of folders, passes over damaged ones and orders by matching and likeness', async () => {
  const pictures = join(folder, 'pictures')
  mkdirSync(join(pictures, 'deeper'), { recursive: true })
  cpSync(IMAGES[0] ?? '', join(pictures, 'one.png'))
  cpSync(IMAGES[1] ?? '', join(pictures, 'deeper', 'two.PNG'))
  writeFileSync(join(pictures, 'damaged.png'), 'no picture')
  for (const name of ['notes.txt', '._one.png']) writeFileSync(join(pictures, name), 'no picture')
  const { lines, remarks, ...asked } = run()
  const wanted = { ...flags, text: reference.texts[2] ?? '', top: 5 }
  expect(await search({ pack, folder: pictures, flags: wanted }, asked)).toBe(1)
  expect(remarks).toHaveLength(1)
  const found = lines.map((line) => JSON.parse(line) as { image: string; score: number })
  const scores = reference.itc.map((row, i) => (row[2] ?? 0) + (reference.itmLogits[i]?.[2]?.[1] ?? 0))
  expect(found.map(({ score }) => score)).toEqual([
    expect.closeTo(Math.max(...scores), 3),
    expect.closeTo(Math.min(...scores), 3),
  ])
  const best = scores[0] === Math.max(...scores) ? 'one.png' : join('deeper', 'two.PNG')
  expect(found[0]?.image).toBe(join(pictures, best))
})

it('A picture that fails between two looks is a failure, named to nobody as found, and leaves nothing behind', async () => {
  const pictures = join(folder, 'failing')
  for (const name of ['1.png', '2.png', '3.png']) cpSync(IMAGES[0] ?? '', join(pictures, name))
  const live = liveTensorCount()
  const failing = vi.spyOn(RetrievalModel.prototype, 'imageFeatures')
  failing.mockRejectedValueOnce(new AppError('out-of-memory', 'There is no room.'))
  const { lines, remarks, ...asked } = run()
  const wanted = { ...flags, text: 'red heart', top: 5 }
  try {
    expect(await search({ pack, folder: pictures, flags: wanted }, asked)).toBe(1)
  } finally {
    failing.mockRestore()
  }
  expect(remarks).toEqual([expect.stringContaining('There is no room.')])
  const found = lines.map((line) => (JSON.parse(line) as { image: string }).image)
  expect(found.sort()).toEqual([join(pictures, '2.png'), join(pictures, '3.png')])
  expect(liveTensorCount()).toBe(live)
})

it('caption writes with the head of a Q-Former where there is one, and is refused where there is none', async () => {
  const writer = join(folder, 'writer')
  mkdirSync(writer)
  const checkpoint = 'models/reference/lavis-writer'
  await convertCheckpoint(folderTree(checkpoint), folderSink(writer), { name: 'writer', precision: 'fp32' })
  const said = run()
  const decoding = { ...flags, prompt: '', beams: 3, maxNewTokens: 19, minNewTokens: 5 }
  expect(await caption({ pack: writer, images: IMAGES.slice(0, 1), flags: decoding }, said)).toBe(0)
  const { cases } = JSON.parse(readFileSync(`${checkpoint}/reference.json`, 'utf8')) as {
    cases: { answers: { ids: number[]; text: string }[] }[]
  }
  const [beams] = cases[1]?.answers ?? []
  expect(JSON.parse(said.lines[0] ?? '')).toMatchObject({
    text: beams?.text,
    token_ids: beams?.ids,
    outside: null,
  })
  await expect(caption({ pack, images: IMAGES, flags: decoding }, run())).rejects.toMatchObject({
    code: 'unsupported-model',
  })
})
