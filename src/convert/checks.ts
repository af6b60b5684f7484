/** The look that a converter takes before it starts: is every tensor there in its right shape, and what is left over. */
import { AppError } from '../pack/failure.ts'
import { elementsOf, readableBytes, type Checkpoint } from './checkpoint.ts'
import type { Source, WeightsPlan } from './weights.ts'

/** Throws `bad-checkpoint` naming every tensor that is missing or has another shape than the configuration says. */
export function checkSources(plans: readonly WeightsPlan[], checkpoint: Checkpoint): void {
  const sources = allSources(plans)
  const missing = sources.filter(({ tensor }) => !checkpoint.tensors.has(tensor)).map(({ tensor }) => tensor)
  if (missing.length > 0) {
    const rest = missing.length > 3 ? ` and ${missing.length - 3} more` : ''
    const list = missing.slice(0, 3).join(', ') + rest
    throw new AppError(
      'bad-checkpoint',
      `The checkpoint lacks ${list}; fetch it again, or check that config.json belongs to it.`,
    )
  }
  const wrong = sources.find(
    ({ tensor, shape }) => checkpoint.tensors.get(tensor)?.shape.join() !== shape.join(),
  )
  if (wrong !== undefined) {
    const found = checkpoint.tensors.get(wrong.tensor)?.shape.join(' × ') ?? ''
    throw new AppError(
      'bad-checkpoint',
      `${wrong.tensor} has shape ${found}, but config.json asks for ${wrong.shape.join(' × ')}; the files do not belong together.`,
    )
  }
  for (const { tensor } of sources) {
    const dtype = checkpoint.tensors.get(tensor)?.dtype
    if (dtype === undefined || readableBytes(dtype) !== undefined) continue
    throw new AppError(
      'unsupported-model',
      `${tensor} is stored as ${dtype}, and only F32, F16 and BF16 can be read; use the checkpoint before it was quantised or changed.`,
    )
  }
}

/** Names of tensors that no graph uses, in the checkpoint's order, but for those that may be `spare`. */
export function unknownTensors(
  plans: readonly WeightsPlan[],
  checkpoint: Checkpoint,
  spare: readonly string[],
): string[] {
  const used = new Set([...allSources(plans).map(({ tensor }) => tensor), ...spare])
  return [...checkpoint.tensors.keys()].filter((name) => !used.has(name))
}

/** A tensor that several parts have a copy of counts once. */
export function countParameters(plans: readonly WeightsPlan[]): number {
  const shapes = new Map(allSources(plans).map(({ tensor, shape }) => [tensor, shape]))
  return [...shapes.values()].reduce((sum, shape) => sum + elementsOf(shape), 0)
}

function allSources(plans: readonly WeightsPlan[]): Source[] {
  return plans.flatMap((plan) => plan.recipes.flatMap((recipe) => recipe.sources))
}
