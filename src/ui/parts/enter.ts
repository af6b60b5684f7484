/** What of a keyboard event says whether an input method is at work. */
export interface TypedKey {
  key: string
  shiftKey: boolean
  isComposing: boolean
  keyCode: number
}

/** In the key that an input method takes for itself. Safari sends it after `compositionend`, when nothing is composed any more. */
const TAKEN_BY_INPUT_METHOD = 229

/** Whether the key belongs to an input method at work, and to nobody else. */
export function isComposed({ isComposing, keyCode }: Pick<TypedKey, 'isComposing' | 'keyCode'>): boolean {
  return isComposing || keyCode === TAKEN_BY_INPUT_METHOD
}

/** Whether this is the Enter that sends, and neither a line break nor the Enter that confirms a Chinese or Japanese word. */
export function isEnterToSend(typed: TypedKey): boolean {
  return typed.key === 'Enter' && !typed.shiftKey && !isComposed(typed)
}
