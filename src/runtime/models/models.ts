/** Opens a model of any family: one row says what a family is made of. */
import { AppError } from '../../pack/failure.ts'
import type { Family } from '../../pack/families.ts'
import { isPackOf, type PackReader } from '../../pack/manifest.ts'
import type { Compute } from '../device/compute.ts'
import { openBlip2, type LanguageFamily, type LoadOptions } from './blip2.ts'
import { assertTalks, type Model, type TalkingModel } from './model.ts'
import { opt } from './opt.ts'
import { t5 } from './t5.ts'

type Opener = (pack: PackReader, compute: Compute, options: LoadOptions) => Promise<Model>

/** Families by name, each opened with how it talks (null when it only looks). One that is missing does not compile. */
const FAMILIES: Record<Family, Opener> = {
  'blip2-opt': opener('blip2-opt', opt),
  'blip2-t5': opener('blip2-t5', t5),
}

function opener<F extends Family>(family: F, language: LanguageFamily<F> | null): Opener {
  return async (pack, compute, options) => {
    if (!isPackOf(pack, family)) throw new AppError('bug', `A pack of another family came to ${family}.`)
    return openBlip2(pack, compute, language, options)
  }
}

/** Opens the parts of a pack on a device. What was opened is closed again when a later one fails. */
export function openModel(pack: PackReader, compute: Compute, options: LoadOptions = {}): Promise<Model> {
  return FAMILIES[pack.manifest.family](pack, compute, options)
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
