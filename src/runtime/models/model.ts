/** What every model is, whatever family it is of. */
import type { MemoryChoice, MemoryReport } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import type { PackManifest } from '../../pack/manifest.ts'
import type { ChatFeatures } from './chat-features.ts'
import type { Look } from './look.ts'
import type { Talk } from './talk.ts'
import type { Tower } from './tower.ts'

export interface Model {
  readonly manifest: PackManifest
  /** Pixels → query embeddings. */
  readonly look: Look
  /** Query embeddings and a prompt → an answer; null in families that have no language model. */
  readonly talk: Talk | null
  /** What it has in common with models of other stages; null for nothing. Rejects what reading the pack rejects. */
  readonly tower: () => Promise<Tower | null>
  /** What it knows beside its answers. */
  readonly features: ChatFeatures
  /** Whether what looks stays loaded between pictures. */
  readonly memory: MemoryReport
  /** Follows what people want of memory from now on. */
  changeMemory(choice: MemoryChoice): Promise<MemoryReport>
  dispose(): Promise<void>
}

export interface TalkingModel extends Model {
  readonly talk: Talk
}

/** Throws `unsupported-model` when the model has no language model. */
export function assertTalks(model: Model): asserts model is TalkingModel {
  if (model.talk !== null) return
  throw new AppError(
    'unsupported-model',
    `${model.manifest.name} has no language model, so it cannot answer; use one of another kind.`,
  )
}
