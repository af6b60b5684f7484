/** The vision encoder of a BLIP-2, whichever it has. */
import type { VisionConfig } from '../families/blip2-look.ts'
import type { Part } from './part.ts'
import { clipPart } from './vision-clip.ts'
import { evaPart } from './vision-eva.ts'

export function visionPart(config: VisionConfig): Part {
  return config.tower === 'clip' ? clipPart(config) : evaPart(config)
}
