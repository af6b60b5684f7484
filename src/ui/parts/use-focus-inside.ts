import { useEffect, type RefObject } from 'react'

/**
 * What lies over the page takes the focus while it is open, at its `[data-first]` where it has one, and gives it back
 * afterwards. A dialog is shown as a modal one.
 */
export function useFocusInside(box: RefObject<HTMLElement | null>, isOpen = true): void {
  useEffect(() => {
    if (!isOpen) return
    const shown = box.current
    const before = document.activeElement
    const dialog = shown instanceof HTMLDialogElement ? shown : null
    dialog?.showModal()
    shown?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      dialog?.close()
      // Browsers do this by themselves only for a dialog that is still in the page.
      if (before instanceof HTMLElement) before.focus()
    }
  }, [box, isOpen])
}
