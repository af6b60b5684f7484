/** Every field of a manifest. The types in `manifest` follow from these; what they must satisfy together is in `manifest-rules`. */
import * as v from 'valibot'
import { PRECISIONS } from './precisions.ts'
import { amount, fields, list, matching, optional, text, whole } from './schema.ts'
import { MAX_IMAGE_SIZE } from './shapes.ts'

const MAX_FILES = 256
const MAX_FILE_BYTES = 2 ** 40
/** Chunks have at least 16 MiB. */
const MAX_CHUNKS = MAX_FILE_BYTES / 2 ** 24
const MAX_PARAMETERS = 2 ** 50
/** Pixel values before they are scaled. */
const MAX_PIXEL = 255

const sha256 = matching(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal')

/** A name with an ending: it stays in its folder, and is no key that objects have of themselves. */
const fileName = matching(
  /^(?=.{3,100}$)[\w-]+(\.[\w-]+)+$/,
  'a plain file name with an ending, such as vision.weights',
)

export const packChunk = fields({ bytes: whole(0, MAX_FILE_BYTES), sha256 })

export const packFile = fields({
  path: fileName,
  bytes: whole(0, MAX_FILE_BYTES),
  chunks: list(packChunk, 1, MAX_CHUNKS),
})

/** One number for each of red, green and blue. */
const perColour = (number: v.GenericSchema<number>): v.GenericSchema<[number, number, number]> =>
  v.pipe(
    v.custom<[number, number, number]>(
      (value) => Array.isArray(value) && value.length === 3,
      'must be a list of 3 numbers',
    ),
    v.tuple([number, number, number]),
  )

/** `preprocessor_config.json`, as far as it matters: square bicubic resize, rescale, normalise. */
export const preprocessing = fields({
  size: whole(1, MAX_IMAGE_SIZE),
  rescaleFactor: amount(1),
  mean: perColour(amount(MAX_PIXEL, { orZero: true })),
  std: perColour(amount(MAX_PIXEL)),
})

/** One thing that the converter looked at (blip2.md calls them sanity checks) and what it found. */
export const checkResult = fields({
  name: text(1, 200),
  ok: v.boolean('must be true or false'),
  detail: text(0, 4000),
})

/** What the manifests of all families say beside format, family and parts. */
export const packFacts = fields({
  name: text(1, 200),
  precision: v.picklist(PRECISIONS, `must be one of ${PRECISIONS.join(', ')}`),
  /** SHA-256 over what the pack was made of and what came out: configuration, tensor table, precision, converter version, chunks. */
  fingerprint: sha256,
  /** As the checkpoint's card names it; null when it names none. */
  licence: v.nullable(text(1, 200)),
  /** What has to be known besides the licence's name, in sentences for a person; absent when there is nothing. */
  licenceNotice: optional(text(1, 4000)),
  parameters: whole(1, MAX_PARAMETERS),
  preprocessing,
  /** Tokenizer files of the checkpoint that travel with the pack; empty when it had none. */
  tokenizer: fields({ tokenizer: optional(fileName), config: optional(fileName) }),
  files: list(packFile, 1, MAX_FILES),
  checks: list(checkResult, 0, 1000),
  unknownTensors: list(text(0, 1000), 0, 100_000),
})
