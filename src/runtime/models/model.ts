/** What every model is, whatever family it is of. */
import { AppError } from '../../pack/failure.ts'
import type { PackManifest } from '../../pack/manifest.ts'
import type { Look } from './look.ts'
import type { Talk } from './talk.ts'

export interface Model {
  readonly manifest: PackManifest
  /** Pixels → query embeddings. */
  readonly look: Look
  /** Query embeddings and a prompt → an answer; null in families that have no language model. */
  readonly talk: Talk | null
  dispose(): Promise<void>
}

export interface TalkingModel extends Model {
  readonly talk: Talk
}

/** The model as one that answers. Throws `unsupported-model` when it has no language model. */
export function talking(model: Model): TalkingModel {
  const { talk } = model
  if (talk === null)
    throw new AppError(
      'unsupported-model',
      `${model.manifest.name} has no language model, so it cannot answer; use one of another kind.`,
    )
  return { manifest: model.manifest, look: model.look, talk, dispose: () => model.dispose() }
}
