/** Keys that do something wherever one is, as data: what is listed is what works. */
import type { WordKey } from '../../messages/note.ts'

export type Action = 'new' | 'pictures' | 'search' | 'ask' | 'undo' | 'models' | 'list'

export interface Shortcut {
  action: Action
  /** As `KeyboardEvent.key`, in lower case. */
  key: string
  /** With Ctrl, or ⌘ on a Mac. */
  command: boolean
  shift?: boolean
  label: WordKey
}

export const SHORTCUTS: readonly Shortcut[] = [
  { action: 'new', key: 'o', command: true, shift: true, label: 'shell:shortcuts.new' },
  { action: 'pictures', key: 'o', command: true, shift: false, label: 'shell:shortcuts.pictures' },
  { action: 'search', key: 'k', command: true, shift: false, label: 'shell:shortcuts.search' },
  { action: 'models', key: ',', command: true, label: 'shell:shortcuts.models' },
  { action: 'undo', key: 'z', command: true, shift: false, label: 'shell:shortcuts.undo' },
  { action: 'ask', key: '/', command: false, label: 'shell:shortcuts.ask' },
  { action: 'list', key: '?', command: false, label: 'shell:shortcuts.list' },
]

export interface PressedKey {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
}

/** What a key does; null for keys that are somebody else's. `inField`: people are writing, where letters and undo are the field's. */
export function actionOf(pressed: PressedKey, inField: boolean): Action | null {
  const command = pressed.ctrlKey || pressed.metaKey
  if (pressed.altKey || (pressed.ctrlKey && pressed.metaKey)) return null
  const found = SHORTCUTS.find(
    (one) =>
      one.key === pressed.key.toLowerCase() &&
      one.command === command &&
      (one.shift === undefined || one.shift === pressed.shiftKey),
  )
  if (found === undefined) return null
  const isFields = !found.command || found.action === 'undo'
  return inField && isFields ? null : found.action
}
