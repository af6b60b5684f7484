import { useEffect, useRef, type RefObject } from 'react'

/**
 * For what is stuck to the lower edge. How high it stands, with notices and a draft of several lines, is `--dock` of the
 * page, by which what gets the focus or is scrolled to stays clear of it.
 */
export function useDockClear(): RefObject<HTMLDivElement | null> {
  const dock = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { current } = dock
    if (current === null) return
    const { style } = document.documentElement
    const observer = new ResizeObserver(() => style.setProperty('--dock', `${current.offsetHeight}px`))
    observer.observe(current)
    return () => {
      observer.disconnect()
      style.removeProperty('--dock')
    }
  }, [])
  return dock
}
