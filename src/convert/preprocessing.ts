/**
 * How a checkpoint wants its pictures: transformers' image processor. transformers 5 keeps it inside
 * `processor_config.json` (`image_processor`) and reads that before `preprocessor_config.json`; each key of it is
 * honoured, or refused where it asks for something else than is done here.
 */
import { AppError } from '../pack/failure.ts'
import type { FileTree } from '../pack/bytes.ts'
import type { Preprocessing } from '../pack/manifest.ts'
import { shown } from './families/config-json.ts'
import { isRecord } from '../pack/json.ts'
import { readJson, type Json } from './side-files.ts'

/** CLIP's mean and standard deviation, RGB: the defaults of transformers' `BlipImageProcessor`. */
const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

/** `PILImageResampling.BICUBIC`. */
const BICUBIC = 3

const PROCESSOR = 'processor_config.json'

/** Processors whose defaults are the ones here. */
const BLIP_PROCESSORS = /^Blip(2)?ImageProcessor(Fast|Pil)?$/

/** Processors that take the same steps with other defaults (transformers 5.18): every value has to be spelled out. */
const ALIKE = /^(ViT|CLIP|Deit|DeiT|Siglip|Bit)ImageProcessor(Fast|Pil)?$/

/** `ChannelDimension.FIRST`, in which every picture comes to the processor anyway. */
const CHANNELS_FIRST = 'channels_first'

export interface PreprocessingFile {
  preprocessing: Preprocessing
  /** Side of the square that a file asks for, and which; null when there is no file or it names none. */
  stated: { imageSize: number; file: string } | null
  /** `num_query_tokens` of `processor_config.json`, whatever it is. */
  statedQueries: unknown
}

/**
 * Reads the image processor. The size that counts is the vision encoder's own, `imageSize`. Throws `bad-checkpoint` for
 * values that are none, `unsupported-model` for anything but a square bicubic resize, a rescale and a normalisation.
 */
export async function readPreprocessing(tree: FileTree, imageSize: number): Promise<PreprocessingFile> {
  const whole = (await readJson(tree, PROCESSOR)) ?? {}
  const statedQueries = whole['num_query_tokens']
  const found = await findProcessor(tree, whole)
  if (found === null) {
    const preprocessing = { size: imageSize, rescaleFactor: 1 / 255, mean: CLIP_MEAN, std: CLIP_STD }
    return { preprocessing, stated: null, statedQueries }
  }
  const { json, file } = found
  const reader = new Processor(json, file)
  reader.checkSteps()
  const side = reader.statedSize()
  const rescaled = reader.flag('do_rescale', true)
  const normalised = reader.flag('do_normalize', true)
  return {
    preprocessing: {
      size: imageSize,
      rescaleFactor: rescaled ? reader.factor() : 1,
      mean: normalised ? reader.triple('image_mean', CLIP_MEAN) : [0, 0, 0],
      std: normalised ? reader.triple('image_std', CLIP_STD) : [1, 1, 1],
    },
    stated: side === null ? null : { imageSize: side, file },
    statedQueries,
  }
}

/** `whole` is what `processor_config.json` says of the whole processor. */
async function findProcessor(tree: FileTree, whole: Json): Promise<{ json: Json; file: string } | null> {
  const nested = whole['image_processor']
  if (nested !== undefined && nested !== null) {
    if (!isRecord(nested))
      throw new AppError('bad-checkpoint', `${PROCESSOR}: image_processor is not an object.`)
    return { json: nested, file: PROCESSOR }
  }
  const json = await readJson(tree, 'preprocessor_config.json')
  return json === undefined ? null : { json, file: 'preprocessor_config.json' }
}

/** Steps that none of the known processors takes unless it is told to. */
const OPTIONAL: ReadonlySet<string> = new Set([
  'do_pad',
  'do_grayscale',
  'do_thumbnail',
  'do_align_long_axis',
  'default_to_square',
])

/** `[height, width]`, as older files wrote it. */
function ofList(size: unknown): Json {
  const [height, width] = Array.isArray(size) && size.length === 2 ? (size as unknown[]) : []
  return { height, width }
}

/** The values of one image processor. */
class Processor {
  readonly #json: Json
  readonly #file: string
  /** Whether what is left out has BLIP's default. */
  readonly #hasDefaults: boolean

  constructor(json: Json, file: string) {
    this.#json = json
    this.#file = file
    const key = json['image_processor_type'] == null ? 'feature_extractor_type' : 'image_processor_type'
    const type = json[key] ?? 'BlipImageProcessor'
    this.#hasDefaults = typeof type === 'string' && BLIP_PROCESSORS.test(type)
    if (!this.#hasDefaults && !(typeof type === 'string' && ALIKE.test(type)))
      throw this.#unsupported(key, "only BLIP's and processors of the same steps are known")
  }

  /** Refuses every step that is not taken here. */
  checkSteps(): void {
    if (!this.flag('do_resize', true)) throw this.#unsupported('do_resize', 'pictures are always resized')
    for (const key of ['do_center_crop', 'do_pad', 'do_grayscale', 'do_thumbnail', 'do_align_long_axis'])
      if (this.flag(key, false)) throw this.#unsupported(key, 'only resize, rescale and normalise are known')
    const order = this.#json['input_data_format'] ?? CHANNELS_FIRST
    if (order !== CHANNELS_FIRST) throw this.#unsupported('input_data_format', 'pictures come channels first')
    const resample = this.#value('resample') ?? BICUBIC
    if (resample !== BICUBIC && resample !== 'bicubic')
      throw this.#unsupported('resample', `only ${BICUBIC} (bicubic) is known`)
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#value(key) ?? otherwise
    if (typeof value !== 'boolean') throw this.#bad(key, 'is neither true nor false')
    return value
  }

  factor(): number {
    const value = this.#value('rescale_factor') ?? 1 / 255
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw this.#bad('rescale_factor', 'is not a number above 0')
    return value
  }

  /** One number for each colour, or one for all of them. */
  triple(key: string, otherwise: [number, number, number]): [number, number, number] {
    const value = this.#value(key) ?? otherwise
    const numbers: unknown[] = Array.isArray(value) ? value : [value, value, value]
    const [r, g, b] = numbers
    const fine =
      numbers.length === 3 && numbers.every((entry) => typeof entry === 'number' && Number.isFinite(entry))
    if (!fine || typeof r !== 'number' || typeof g !== 'number' || typeof b !== 'number')
      throw this.#bad(key, 'is not three numbers')
    if (key === 'image_std' && Math.min(r, g, b) <= 0) throw this.#bad(key, 'is not above 0')
    return [r, g, b]
  }

  statedSize(): number | null {
    const size = this.#value('size')
    if (size === undefined || size === null) return null
    // A single number is a square unless the file says otherwise; then it is the shorter side.
    if (typeof size === 'number') {
      if (!this.flag('default_to_square', true))
        throw this.#unsupported('default_to_square', 'only squares are known')
      return size
    }
    const { height, width } = isRecord(size) ? size : ofList(size)
    if (typeof height !== 'number' || typeof width !== 'number')
      throw this.#unsupported('size', 'only a height and a width are known')
    if (height !== width) throw this.#unsupported('size', 'only squares are known')
    return height
  }

  #value(key: string): unknown {
    const value = this.#json[key]
    if (value === undefined && !this.#hasDefaults && !OPTIONAL.has(key))
      throw this.#unsupported('image_processor_type', `it leaves out ${key}, whose default here is BLIP's`)
    return value
  }

  #unsupported(key: string, why: string): AppError {
    const found = shown(this.#json[key])
    return new AppError('unsupported-model', `${this.#file} asks for ${key} ${found}; ${why}.`)
  }

  #bad(key: string, why: string): AppError {
    return new AppError('bad-checkpoint', `${this.#file}: ${key} ${why}.`)
  }
}
