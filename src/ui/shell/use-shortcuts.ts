import { useContext, useEffect } from 'react'
import type { AppStore } from '../../state/store.ts'
import { isComposed } from '../parts/enter.ts'
import { isDialogOpen } from '../parts/lies-over.ts'
import { StoreContext } from '../store-context.ts'
import { actionOf, type Action } from './shortcuts.ts'

/** Listens for keys that do something wherever one is; Escape closes what lies over the page, else stops the answer. */
export function useShortcuts(): void {
  const store = useContext(StoreContext)
  useEffect(() => {
    if (store === null) return
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isComposed(event)) return
      if (event.key === 'Escape') {
        escape(store)
        return
      }
      // Whatever lies over everything has keys of its own.
      if (isDialogOpen()) return
      const { target } = event
      const inField = target instanceof HTMLElement && target.matches('input, textarea, select')
      const action = actionOf(event, inField)
      if (action === null) return
      if (act(store, action)) event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [store])
}

function escape(store: AppStore): void {
  const { panel, place, closePanel, stop } = store.getState()
  if (panel === 'models' || panel === 'rail') closePanel()
  // Elsewhere it would stop what nobody sees.
  else if (panel === null && place === 'talk') stop()
}

/** False where there is nothing to do, and the key stays the browser's. */
function act(store: AppStore, action: Action): boolean {
  const { newConversation, openPanel, undo, undoable } = store.getState()
  switch (action) {
    case 'new':
      newConversation()
      return true
    case 'models':
      openPanel('models')
      return true
    case 'list':
      openPanel('shortcuts')
      return true
    case 'undo':
      if (undoable.length === 0) return false
      undo()
      return true
    case 'pictures':
      return press('input[type=file][accept="image/*"]')
    case 'search':
      return focus('[data-search]')
    case 'ask':
      return focus('.composer textarea')
  }
}

function press(selector: string): boolean {
  const found = document.querySelector<HTMLElement>(selector)
  found?.click()
  return found !== null
}

/** False also for what is there and folded away, which cannot take the focus. */
function focus(selector: string): boolean {
  const found = document.querySelector<HTMLElement>(selector)
  found?.focus()
  return found !== null && document.activeElement === found
}
