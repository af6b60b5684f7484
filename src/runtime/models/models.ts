/** Opens a model of any family: one row says what a family is made of. */
import { AppError } from '../../pack/failure.ts'
import type { Family } from '../../pack/families.ts'
import { isPackOf, type PackReader } from '../../pack/manifest.ts'
import type { Compute } from '../device/compute.ts'
import { openBlip2, type LanguageFamily, type LoadOptions } from './blip2.ts'
import { assertTalks, type Model, type TalkingModel } from './model.ts'
import { opt } from './opt.ts'
import { t5 } from './t5.ts'

/** Families by name: how each talks, or null when it only looks. */
const FAMILIES: { [F in Family]: LanguageFamily<F> | null } = { 'blip2-opt': opt, 'blip2-t5': t5 }

/** Opens the parts of a pack on a device. What was opened is closed again when a later one fails. */
export function openModel(pack: PackReader, compute: Compute, options: LoadOptions = {}): Promise<Model> {
  if (isPackOf(pack, 'blip2-opt')) return openBlip2(pack, compute, FAMILIES['blip2-opt'], options)
  if (isPackOf(pack, 'blip2-t5')) return openBlip2(pack, compute, FAMILIES['blip2-t5'], options)
  throw new AppError('bug', `No row says how ${pack.manifest.family} is opened.`)
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
