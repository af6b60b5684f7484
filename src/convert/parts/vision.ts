/** The vision encoder of a BLIP-2, whichever it has. */
import type { VisionConfig } from '../families/blip2-look.ts'
import type { Part } from './part.ts'
import { planClip } from './vision-clip.ts'
import { planEva } from './vision-eva.ts'

export function visionPart(config: VisionConfig): Part {
  return {
    name: 'vision',
    sensitive: false,
    halfGraph: true,
    ownWasmGraph: false,
    plan: (planner) => (config.tower === 'clip' ? planClip : planEva)(planner, config),
  }
}
