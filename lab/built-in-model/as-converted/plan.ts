/** How the converter stores a checkpoint. */
import type { Checkpoint } from '../../../src/convert/checkpoint.ts'
import { areSame } from '../../../src/convert/compare.ts'
import { parseConfig } from '../../../src/convert/families/config-json.ts'
import { readModel } from '../../../src/convert/families/families.ts'
import type { SameValues } from '../../../src/convert/families/family.ts'
import { planConversion } from '../../../src/convert/plan.ts'
import type { WeightsPlan } from '../../../src/convert/weights.ts'
import type { Precision } from '../../../src/pack/manifest.ts'

/** One plan per weights file of the pack that would be written. */
export async function planOf(
  configText: string,
  checkpoint: Checkpoint,
  precision: Precision,
): Promise<WeightsPlan[]> {
  const same: SameValues = (...tensors) => areSame(checkpoint, tensors, {})
  const model = await readModel(parseConfig(configText)).settle(checkpoint, same)
  return planConversion(model, precision).weights
}
