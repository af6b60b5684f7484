/** What the command line asks of a model that compares pictures with texts. Runs in a thread of its own. */
import { heatSheet } from '../image/heat-map.ts'
import { preprocess } from '../image/preprocess.ts'
import { resizeBicubic } from '../image/resize.ts'
import { writePng } from '../image/write-png.ts'
import { AppError, toFailure } from '../pack/failure.ts'
import { openRetrievalModel } from '../runtime/models/models.ts'
import type { RetrievalModel } from '../runtime/models/retrieval.ts'
import { meanOverHeads } from '../runtime/retrieval/attention-maps.ts'
import type { EncodedPicture } from '../runtime/retrieval/text-q-former.ts'
import { labelShares, labelTexts } from '../runtime/retrieval/labels.ts'
import { replaceFile } from './durable.ts'
import { eachPicture } from './each-picture.ts'
import { openPackFolder } from './files.ts'
import { fromHere, outBeside } from './from-here.ts'
import { openProvider, type ProviderFlags } from './provider.ts'
import { readPicture, readPixels } from './read-pixels.ts'
import { writeSafetensors, type NamedTensor } from './safetensors-file.ts'
import type { PictureFlags, Run } from './talk.ts'

export interface MatchRequest {
  pack: string
  images: string[]
  flags: PictureFlags & { text: string[]; json?: boolean }
}

export interface EmbedRequest {
  pack: string
  flags: PictureFlags & { image?: string[]; text?: string[]; out: string }
}

export interface AttendRequest {
  pack: string
  image: string
  flags: PictureFlags & { text?: string; out: string }
}

export interface ClassifyRequest {
  pack: string
  images: string[]
  flags: PictureFlags & { label: string[]; template: string; temperature?: number; json?: boolean }
}

/** Each picture with each text, pictures outermost. Gives how many of several pictures could not be read. */
export async function match({ pack, images, flags }: MatchRequest, run: Run): Promise<number> {
  checkTexts(flags.text)
  return withModel(pack, flags, run, async (model) => {
    const read = await model.textFeatures(flags.text, run)
    return eachPicture(images, run, (image) =>
      looking(model, image, flags, run, async (picture) => {
        const pairs = await model.match(picture, flags.text, { ...run, read })
        pairs.forEach(({ itc, itm, logits }, i) => {
          const text = flags.text[i] ?? ''
          const line = `${image}: ${text}: match ${percent(itm)}, likeness ${itc.toFixed(4)}`
          run.print(flags.json ? JSON.stringify({ image, text, itc, itm, itm_logits: logits }) : line)
        })
      }),
    )
  })
}

/** Writes the vectors of pictures and texts. Rows are in the order in which they were named, so none may be missing. */
export async function embed({ pack, flags }: EmbedRequest, run: Run): Promise<void> {
  const { image: images = [], text: texts = [] } = flags
  const out = await outBeside(flags.out, images)
  if (images.length + texts.length === 0)
    throw new AppError(
      'bad-usage',
      'There is nothing to embed; give a picture with --image or a text with --text.',
    )
  checkTexts(texts)
  await withModel(pack, flags, run, async (model) => {
    const { vision, 'text-q-former': former } = model.manifest.parts
    const { queries, hiddenSize, projectionSize } = former.shape
    const read = await model.textFeatures(texts, run)
    const features: Float32Array[] = []
    const outputs: Float32Array[] = []
    const projections: Float32Array[] = []
    const multimodal: Float32Array[] = []
    for (const image of images)
      await naming(image, () =>
        looking(model, image, flags, run, async (picture) => {
          const { queryOutput, vectors } = await model.imageFeatures(picture)
          features.push(await model.visionFeatures(picture))
          outputs.push(queryOutput)
          projections.push(vectors)
          if (images.length !== 1 || texts.length !== 1) return
          const pairs = await model.multimodalFeatures(picture, texts, run)
          multimodal.push(...pairs.map((pair) => pair.queryOutput))
        }),
      )
    const { tokens, hiddenSize: width } = vision.shape
    const tensors: NamedTensor[] = [
      stacked('image_features', features, [tokens, width]),
      stacked('query_output', outputs, [queries, hiddenSize]),
      stacked('image_embeds', projections, [queries, projectionSize]),
      stacked(
        'text_embeds',
        read.map(({ vector }) => vector),
        [projectionSize],
      ),
      stacked('multimodal_embeds', multimodal, [queries, hiddenSize]),
    ]
    await writeSafetensors(
      out,
      tensors.filter(({ values }) => values.length > 0),
    )
  })
}

/** Writes where the queries look: the values, or a picture of them, by the ending of the file. */
export async function attend({ pack, image, flags }: AttendRequest, run: Run): Promise<void> {
  const out = await outBeside(flags.out, [image])
  const draws = /\.png$/i.test(out)
  if (!draws && !/\.safetensors$/i.test(out))
    throw new AppError('bad-usage', 'Name a file that ends in .safetensors or .png after --out.')
  if (flags.text !== undefined) checkTexts([flags.text])
  await withModel(pack, flags, run, async (model) => {
    const picture = await readPicture(image, flags.alpha)
    const seen = await model.encode(preprocess(picture, model.manifest.preprocessing), run)
    try {
      const maps = await model.attention(seen, flags.text ?? null)
      const { layers, heads, queries, tokens } = maps
      const values = meanOverHeads(maps)
      if (draws) {
        const size = Math.min(model.manifest.preprocessing.size, CELL_PIXELS)
        const sheet = heatSheet({ layers, queries, tokens, values }, resizeBicubic(picture, size), size)
        await replaceFile(out, [writePng(sheet.width, sheet.height, sheet.rgb)])
        return
      }
      await writeSafetensors(out, [
        { name: 'cross_attention', shape: [layers, queries, tokens], values },
        { name: 'cross_attention_heads', shape: [layers, heads, queries, tokens], values: maps.byHead },
      ])
    } finally {
      seen.features.dispose()
    }
  })
}

/** Side of each picture of a sheet, at most. */
const CELL_PIXELS = 112

/** How likely each label is for each picture, by likeness alone. Gives how many of several pictures could not be read. */
export async function classify({ pack, images, flags }: ClassifyRequest, run: Run): Promise<number> {
  const { label: labels, template } = flags
  const texts = labelTexts(template, labels)
  checkTexts(labels)
  return withModel(pack, flags, run, async (model) => {
    const { temperature = model.temperature } = flags
    const read = (await model.textFeatures(texts, run)).map(({ vector }, i) => ({
      text: texts[i] ?? '',
      vector,
    }))
    return eachPicture(images, run, (image) =>
      looking(model, image, flags, run, async (picture) => {
        const { vectors } = await model.imageFeatures(picture)
        const found = labelShares(vectors, labels, read, temperature)
        if (flags.json) run.print(JSON.stringify({ image, temperature, labels: found }))
        else {
          const best = found.toSorted((a, b) => b.probability - a.probability)
          const named = best.map(({ label, probability }) => `${label} ${percent(probability)}`)
          run.print(`${image}: ${named.join(', ')} (temperature ${temperature})`)
        }
      }),
    )
  })
}

/** Opens the model of a pack for as long as `use` takes. */
export async function withModel<T>(
  pack: string,
  flags: ProviderFlags,
  run: Run,
  use: (model: RetrievalModel) => Promise<T>,
): Promise<T> {
  const reader = await openPackFolder(fromHere(pack))
  const model = await openRetrievalModel(reader, await openProvider(flags, run), { signal: run.signal })
  try {
    return await use(model)
  } finally {
    await model.dispose()
  }
}

/** One look at a picture, for as long as `use` takes. */
async function looking<T>(
  model: RetrievalModel,
  image: string,
  { alpha }: PictureFlags,
  { signal }: Run,
  use: (picture: EncodedPicture) => Promise<T>,
): Promise<T> {
  const picture = await model.encode(await readPixels(image, model.manifest.preprocessing, alpha), { signal })
  try {
    return await use(picture)
  } finally {
    picture.features.dispose()
  }
}

/** Says which picture it was that failed. */
async function naming<T>(image: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = toFailure(error)
    throw new AppError(code, `${image}: ${message}`, { cause: error })
  }
}

/** Throws `bad-usage` for a text that says nothing: a variable that was never set would otherwise be compared. */
export function checkTexts(texts: readonly string[]): void {
  if (texts.some((text) => text.trim() === ''))
    throw new AppError('bad-usage', 'A text is empty; say what pictures are to be compared with.')
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`
}

function stacked(name: string, rows: readonly Float32Array[], shape: readonly number[]): NamedTensor {
  const size = shape.reduce((product, length) => product * length, 1)
  const values = new Float32Array(rows.length * size)
  rows.forEach((row, i) => values.set(row, i * size))
  return { name, shape: [rows.length, ...shape], values }
}
