import { expect, it } from 'vitest'
import { tunedPromptOf } from './caption-prompt.ts'

it.each<[string, 'blip2-opt' | 'blip2-t5' | 'blip2-itm', string | null]>([
  ['blip2-opt-2.7b-coco', 'blip2-opt', 'a photo of'],
  ['blip2-flan-t5-xl-coco', 'blip2-t5', 'a photo of'],
  ['blip2_caption_opt6.7b', 'blip2-opt', 'a photo of'],
  ['blip2-opt-2.7b', 'blip2-opt', null],
  ['blip2_pretrained_flant5xl_vitL', 'blip2-t5', null],
  ['my-coco', 'blip2-opt', null],
  ['blip2-itm-vit-g-coco', 'blip2-itm', null],
])('captions of %s begin as it was tuned', (name, family, prompt) => {
  expect(tunedPromptOf({ name, family })).toBe(prompt)
})
