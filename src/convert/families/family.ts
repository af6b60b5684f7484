/** What the converter asks of a family: to know its checkpoints by name, which nothing else does. */
import type { PackModel, PackPart, PartName } from '../../pack/families.ts'
import type { CheckResult } from '../../pack/manifest.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { Part } from '../parts/part.ts'
import type { Json } from './config-json.ts'

export interface CheckpointFamily {
  /** Whether a `config.json` is of this family, by the names that it gives itself. */
  recognises(root: Json): boolean
  /**
   * Throws `unsupported-model` for a variant that is not known, `bad-checkpoint` for impossible values, `bad-usage` for
   * pictures that it cannot look at.
   */
  read(root: Json, choices: Choices): CheckpointModel
}

/** What whoever converts may choose of the model itself. */
export interface Choices {
  /** Side of the pictures that it is to look at, in pixels; undefined for the one that it was trained on. */
  imageSize?: number | undefined
}

/** A model as far as its configuration describes it, and after `settle` as its stored tensors say. */
export interface CheckpointModel {
  /** In the order in which a pack has them. */
  readonly parts: readonly Part[]
  /** Side of the pictures that it takes. */
  readonly imageSize: number
  /** What a licence's name does not say; undefined when there is nothing. */
  readonly licenceNotice: string | undefined
  /** Tensors that may be stored though no part uses them. */
  readonly spareTensors: readonly string[]
  /** What the manifest says of the parts, each with its `places`. */
  describe(places: (part: PartName) => Places): PackModel
  /** The same model with what only the stored tensors tell: which of them serve, and whether the head is the embedding. */
  settle(checkpoint: Checkpoint, same: SameValues): Promise<CheckpointModel>
  /** Whether the values look like a checkpoint of this family: said, not enforced. */
  check(checkpoint: Checkpoint, facts: CheckedFacts): Promise<CheckResult[]>
}

/** Where the graphs and the weights of a part are. */
export type Places = Pick<PackPart, 'graphs' | 'weights'>

/** Whether two stored tensors hold the same values. */
export type SameValues = (tensor: string, other: string) => Promise<boolean>

export interface CheckedFacts {
  parameters: number
  /** Side of the pictures that the image processor names, and the file that it is in; null when it names none. */
  stated: { imageSize: number; file: string } | null
  /** Number of entries the tokenizer knows, or null when the checkpoint brings no tokenizer. */
  tokenizerEntries: number | null
  signal?: AbortSignal | undefined
}
