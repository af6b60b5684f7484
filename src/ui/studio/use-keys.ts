import { useEffect, useRef } from 'react'
import { isComposed } from '../parts/enter.ts'
import { isForWhatLiesOver } from '../parts/lies-over.ts'

/** Single keys that do something while nobody writes, or works a control for which the key means something. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  const latest = useRef(keys)
  useEffect(() => {
    latest.current = keys
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isComposed(event)) return
      const { target } = event
      if (!(target instanceof HTMLElement) || takesKey(target, event.key)) return
      const act = latest.current[event.key]
      if (act === undefined) return
      event.preventDefault()
      act()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

function takesKey(target: HTMLElement, key: string): boolean {
  if (target.matches('input, textarea, select') || target.isContentEditable) return true
  // What lies over the page has keys of its own, and so has what stands beside it.
  if (isForWhatLiesOver(target) || target.closest('#rail') !== null) return true
  return key === 'Enter' && target.matches('button, a, summary')
}
