/** The vision encoder of a BLIP-2, whichever it has. */
import type { VisionConfig } from '../families/blip2-look.ts'
import type { Part } from './part.ts'
import { planClip } from './vision-clip.ts'
import { planEva } from './vision-eva.ts'

/** `pools`: with a graph over the same weights that pools a picture. */
export function visionPart(config: VisionConfig, { pools }: { pools: boolean }): Part {
  return {
    name: 'vision',
    alsoOver: pools ? ['pooled-class'] : [],
    sensitive: false,
    halfGraph: true,
    ownWasmGraph: false,
    plan: (planner) => (config.tower === 'clip' ? planClip : planEva)(planner, config),
  }
}
