import { describe, expect, it } from 'vitest'
import { treeInMemory, type FileTree } from '../pack/bytes.ts'
import { readPreprocessing } from './preprocessing.ts'

function treeOf(files: Record<string, unknown>): FileTree {
  const entries = Object.entries(files).map(
    ([path, value]) => [path, new TextEncoder().encode(JSON.stringify(value)).buffer] as const,
  )
  return treeInMemory(new Map(entries))
}

const OWN = { image_mean: [0.1, 0.2, 0.3], image_std: [0.4, 0.5, 0.6], size: { height: 56, width: 56 } }
const OTHER = { image_mean: [0.9, 0.9, 0.9], image_std: [0.8, 0.8, 0.8], size: { height: 56, width: 56 } }

/** What a processor with other defaults has to say. */
const SPELLED = { do_resize: true, do_center_crop: false, do_rescale: true, do_normalize: true, resample: 3 }

describe('the image processor', () => {
  it.each<[string, Record<string, unknown>, string, number?]>([
    [
      'inside processor_config.json',
      { 'processor_config.json': { image_processor: OWN } },
      'processor_config.json',
    ],
    ['in a file of its own', { 'preprocessor_config.json': OWN }, 'preprocessor_config.json'],
    [
      'inside processor_config.json when both are there',
      { 'processor_config.json': { image_processor: OWN }, 'preprocessor_config.json': OTHER },
      'processor_config.json',
    ],
    [
      'in its own file when processor_config.json has none',
      { 'processor_config.json': { num_query_tokens: 32 }, 'preprocessor_config.json': OWN },
      'preprocessor_config.json',
      32,
    ],
  ])('is read %s', async (_, files, file, statedQueries) => {
    const read = await readPreprocessing(treeOf(files), 56)
    expect(read).toEqual({
      preprocessing: { size: 56, rescaleFactor: 1 / 255, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
      stated: { imageSize: 56, file },
      statedQueries,
    })
  })

  it("has BLIP's values where there is no file, or where it leaves them out", async () => {
    const { preprocessing, stated } = await readPreprocessing(treeOf({}), 224)
    expect(stated).toBeNull()
    expect(preprocessing.mean[0]).toBe(0.48145466)
    const written = { 'preprocessor_config.json': { image_processor_type: 'BlipImageProcessorFast' } }
    expect((await readPreprocessing(treeOf(written), 224)).preprocessing).toEqual(preprocessing)
  })

  it.each<[string, object, object]>([
    ['no rescaling', { do_rescale: false }, { rescaleFactor: 1 }],
    ['no normalising', { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ['one mean for all colours', { image_mean: 0.5 }, { mean: [0.5, 0.5, 0.5] }],
    ['a resample by its name', { resample: 'bicubic' }, {}],
    ['a size that is one number', { size: 56 }, {}],
    ['a size that is a list', { size: [56, 56] }, {}],
    [
      'no value, as if it were left out',
      { do_rescale: null, image_mean: null, resample: null },
      { rescaleFactor: 1 / 255 },
    ],
    ['its name as a feature extractor', { feature_extractor_type: 'BlipImageProcessor' }, {}],
    [
      'another processor that spells everything out',
      { ...OWN, ...SPELLED, image_processor_type: 'ViTImageProcessor', rescale_factor: 0.5 },
      { rescaleFactor: 0.5 },
    ],
  ])('honours %s', async (_, change, wanted) => {
    const tree = treeOf({ 'preprocessor_config.json': { ...OWN, ...change } })
    expect((await readPreprocessing(tree, 56)).preprocessing).toMatchObject(wanted)
  })

  it.each<[string, object, string]>([
    ['another resample', { resample: 2 }, 'unsupported-model'],
    ['another resample inside processor_config.json', { resample: 'bilinear' }, 'unsupported-model'],
    ['no resize', { do_resize: false }, 'unsupported-model'],
    ['a crop', { do_center_crop: true }, 'unsupported-model'],
    ['padding', { do_pad: true }, 'unsupported-model'],
    ['a shortest edge', { size: { shortest_edge: 56 } }, 'unsupported-model'],
    ['one number that is the shortest edge', { size: 56, default_to_square: false }, 'unsupported-model'],
    ['another shape', { size: { height: 56, width: 57 } }, 'unsupported-model'],
    [
      'another processor that leaves values out',
      { image_processor_type: 'CLIPImageProcessor' },
      'unsupported-model',
    ],
    [
      'another processor that leaves out whether it crops',
      {
        ...SPELLED,
        do_center_crop: undefined,
        rescale_factor: 0.5,
        image_processor_type: 'CLIPImageProcessor',
      },
      'unsupported-model',
    ],
    [
      'a processor of other steps',
      { ...SPELLED, rescale_factor: 0.5, image_processor_type: 'LlavaNextImageProcessor' },
      'unsupported-model',
    ],
    ['a processor without a name', { image_processor_type: 7 }, 'unsupported-model'],
    ['channels behind', { input_data_format: 'channels_last' }, 'unsupported-model'],
    ['a list of another shape', { size: [56, 57] }, 'unsupported-model'],
    ['a mean of two', { image_mean: [0, 1] }, 'bad-checkpoint'],
    ['a deviation of nothing', { image_std: [0, 1, 1] }, 'bad-checkpoint'],
    ['a factor that is no number', { rescale_factor: '1/255' }, 'bad-checkpoint'],
    ['a flag that is no flag', { do_rescale: 'no' }, 'bad-checkpoint'],
  ])('refuses %s', async (_, change, code) => {
    const processor = { ...OWN, ...change }
    for (const files of [
      { 'preprocessor_config.json': processor },
      { 'processor_config.json': { image_processor: processor } },
    ])
      await expect(readPreprocessing(treeOf(files), 56)).rejects.toMatchObject({ code })
  })
})
