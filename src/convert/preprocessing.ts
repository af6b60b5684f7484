/**
 * How a checkpoint wants its pictures: transformers' image processor. transformers 5 keeps it inside
 * `processor_config.json` (`image_processor`) and reads that before `preprocessor_config.json`; each key of it is
 * honoured, or refused where it asks for something else than is done here.
 */
import { AppError } from '../pack/failure.ts'
import type { FileTree } from '../pack/bytes.ts'
import type { Preprocessing } from '../pack/manifest.ts'
import { isRecord, readJson, type Json } from './side-files.ts'

/** CLIP's mean and standard deviation, RGB: the defaults of transformers' `BlipImageProcessor`. */
const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

/** `PILImageResampling.BICUBIC`. */
const BICUBIC = 3

/** Processors whose defaults are the ones here; of others every value has to be spelled out. */
const BLIP_PROCESSORS = /^Blip(2)?ImageProcessor(Fast|Pil)?$/

export interface PreprocessingFile {
  preprocessing: Preprocessing
  /** Side of the square that the file asks for; null when there is no file or it names none. */
  statedSize: number | null
  /** Path of the file that it was read from; null where there is none and the defaults stand. */
  file: string | null
}

/**
 * Reads the image processor. The size that counts is the vision encoder's own, `imageSize`. Throws `bad-checkpoint` for
 * values that are none, `unsupported-model` for anything but a square bicubic resize, a rescale and a normalisation.
 */
export async function readPreprocessing(tree: FileTree, imageSize: number): Promise<PreprocessingFile> {
  const found = await findProcessor(tree)
  if (found === null) {
    const preprocessing = { size: imageSize, rescaleFactor: 1 / 255, mean: CLIP_MEAN, std: CLIP_STD }
    return { preprocessing, statedSize: null, file: null }
  }
  const { json, file } = found
  const reader = new Processor(json, file)
  reader.checkSteps()
  const rescaled = reader.flag('do_rescale', true)
  const normalised = reader.flag('do_normalize', true)
  return {
    preprocessing: {
      size: imageSize,
      rescaleFactor: rescaled ? reader.factor() : 1,
      mean: normalised ? reader.triple('image_mean', CLIP_MEAN) : [0, 0, 0],
      std: normalised ? reader.triple('image_std', CLIP_STD) : [1, 1, 1],
    },
    statedSize: reader.statedSize(),
    file,
  }
}

async function findProcessor(tree: FileTree): Promise<{ json: Json; file: string } | null> {
  const nested = (await readJson(tree, 'processor_config.json'))?.['image_processor']
  if (nested !== undefined && nested !== null) {
    if (!isRecord(nested))
      throw new AppError('bad-checkpoint', 'processor_config.json: image_processor is not an object.')
    return { json: nested, file: 'processor_config.json' }
  }
  const json = await readJson(tree, 'preprocessor_config.json')
  return json === undefined ? null : { json, file: 'preprocessor_config.json' }
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
    const type = json['image_processor_type'] ?? json['feature_extractor_type'] ?? 'BlipImageProcessor'
    this.#hasDefaults = typeof type === 'string' && BLIP_PROCESSORS.test(type)
  }

  /** Refuses every step that is not taken here. */
  checkSteps(): void {
    if (!this.flag('do_resize', true)) throw this.#unsupported('do_resize', 'pictures are always resized')
    for (const key of ['do_center_crop', 'do_pad', 'do_grayscale', 'do_thumbnail', 'do_align_long_axis'])
      if (this.flag(key, false)) throw this.#unsupported(key, 'only resize, rescale and normalise are known')
    const resample = this.#value('resample') ?? BICUBIC
    if (resample !== BICUBIC && resample !== 'bicubic')
      throw this.#unsupported('resample', `only ${BICUBIC} (bicubic) is known`)
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#json[key] ?? otherwise
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
    const { height, width }: Json = isRecord(size) ? { height: undefined, width: undefined, ...size } : {}
    if (typeof height !== 'number' || typeof width !== 'number')
      throw this.#unsupported('size', 'only a height and a width are known')
    if (height !== width) throw this.#unsupported('size', 'only squares are known')
    return height
  }

  #value(key: string): unknown {
    const value = this.#json[key]
    if (value === undefined && !this.#hasDefaults)
      throw this.#unsupported('image_processor_type', `it leaves out ${key}, whose default here is BLIP's`)
    return value
  }

  #unsupported(key: string, why: string): AppError {
    const found = JSON.stringify(this.#json[key])
    return new AppError('unsupported-model', `${this.#file} asks for ${key} ${found}; ${why}.`)
  }

  #bad(key: string, why: string): AppError {
    return new AppError('bad-checkpoint', `${this.#file}: ${key} ${why}.`)
  }
}
