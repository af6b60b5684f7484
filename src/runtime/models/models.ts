/** Opens a model of any family: one row says what a family is made of. */
import { AppError } from '../../pack/failure.ts'
import { FAMILY_NAMES, type TalkingFamily } from '../../pack/families.ts'
import { isPackOf, type PackReader } from '../../pack/manifest.ts'
import type { Compute } from '../device/compute.ts'
import { openBlip2, type LanguageFamily, type LoadOptions } from './blip2.ts'
import { assertTalks, type Model, type TalkingModel } from './model.ts'
import { opt } from './opt.ts'
import { RetrievalModel, type RetrievalOptions } from './retrieval.ts'
import { t5 } from './t5.ts'

type Opener = (pack: PackReader, compute: Compute, options: LoadOptions) => Promise<Model>

/** Families that write by name, each opened with how it talks. One that is missing does not compile. */
const FAMILIES: Record<TalkingFamily, Opener> = {
  'blip2-opt': opener('blip2-opt', opt),
  'blip2-t5': opener('blip2-t5', t5),
}

function opener<F extends TalkingFamily>(family: F, language: LanguageFamily<F> | null): Opener {
  return async (pack, compute, options) => {
    if (!isPackOf(pack, family)) throw new AppError('bug', `A pack of another family came to ${family}.`)
    return openBlip2(pack, compute, language, options)
  }
}

/** Opens the parts of a pack on a device. What was opened is closed again when a later one fails. */
export async function openModel(
  pack: PackReader,
  compute: Compute,
  options: LoadOptions = {},
): Promise<Model> {
  const { family } = pack.manifest
  if (family === 'blip2-itm') throw unfit(pack, 'it writes no answers; use one with a language model')
  return FAMILIES[family](pack, compute, options)
}

/** For callers that compare pictures with texts. Throws `unsupported-model` for a pack of another sort. */
export async function openRetrievalModel(
  pack: PackReader,
  compute: Compute,
  options: RetrievalOptions = {},
): Promise<RetrievalModel> {
  if (!isPackOf(pack, 'blip2-itm'))
    throw unfit(pack, 'it compares nothing; use one made of a checkpoint such as Salesforce/blip2-itm-vit-g')
  return RetrievalModel.open(pack, compute, options)
}

function unfit({ manifest }: PackReader, why: string): AppError {
  return new AppError('unsupported-model', `${manifest.name} is ${FAMILY_NAMES[manifest.family]}: ${why}.`)
}

/** The same for callers that want answers. Throws `unsupported-model` when the family has none. */
export async function openTalkingModel(
  pack: PackReader,
  compute: Compute,
  options: LoadOptions = {},
): Promise<TalkingModel> {
  const model = await openModel(pack, compute, options)
  try {
    assertTalks(model)
    return model
  } catch (error) {
    await model.dispose()
    throw error
  }
}
