import type { Picture } from '../conversation/conversation.ts'
import type { Settings } from './settings-slice.ts'

/** Ids of the pictures that are beyond the chosen model: photographs before the built-in one. */
export function photographsAmong(pictures: readonly Picture[], { model }: Pick<Settings, 'model'>): string[] {
  if (model !== null) return []
  return pictures.filter(({ photograph }) => photograph === true).map(({ id }) => id)
}
