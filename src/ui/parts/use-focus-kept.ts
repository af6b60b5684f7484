import { useEffect } from 'react'
import { behindFrame } from './behind-frame.ts'

/** An element on the way from what has the focus to the page, and what stands before it. */
interface Step {
  element: Element
  previous: Element | null
}

const FOCUSABLE =
  'a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex="0"]'

/** So near to what had the focus stands the answer to what it asked. */
const NEAR = 2

/**
 * A button may go with what it began, or be disabled by it. Browsers then put the focus nowhere: the next key is the
 * page's, and reading begins anew. Here it goes to what came in the place of what had it, or else to what follows; where
 * that is a question, to its `[data-first]`. Whoever looks after the focus in an effect comes first.
 */
export function useFocusKept(): void {
  useEffect(() => {
    let trail: Step[] = []
    const onFocus = ({ target }: FocusEvent): void => {
      trail = target instanceof Element ? trailOf(target) : []
    }
    // People who press somewhere else leave it.
    const onPress = ({ target }: PointerEvent): void => {
      if (target instanceof Node && trail[0]?.element.contains(target) !== true) trail = []
    }
    const check = (): void => {
      const { activeElement, body } = document
      const [had] = trail
      if (had === undefined || (activeElement !== null && activeElement !== body)) return
      if (had.element.isConnected && !had.element.matches(':disabled')) return
      const heir = heirOf(trail)
      trail = []
      heir?.focus({ preventScroll: true })
    }
    const observer = new MutationObserver(behindFrame(check))
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] })
    document.addEventListener('focusin', onFocus)
    document.addEventListener('pointerdown', onPress)
    return () => {
      observer.disconnect()
      document.removeEventListener('focusin', onFocus)
      document.removeEventListener('pointerdown', onPress)
    }
  }, [])
}

function trailOf(target: Element): Step[] {
  const trail: Step[] = []
  for (let element: Element | null = target; element !== null; element = element.parentElement)
    trail.push({ element, previous: element.previousElementSibling })
  return trail
}

function heirOf(trail: readonly Step[]): HTMLElement | null {
  // What is disabled is still there, and what follows it is looked for in what stands around it.
  const nearest = Math.max(
    1,
    trail.findIndex(({ element }) => element.isConnected),
  )
  for (let at = nearest; at < trail.length; at += 1) {
    const [inner, around] = [trail[at - 1], trail[at]?.element]
    if (inner === undefined || around === undefined) break
    const before = inner.element.isConnected ? inner.element : inner.previous
    const all = [...around.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(isThere)
    const behind = all.filter((one) => before === null || isBehind(one, before))
    const first = at <= NEAR ? behind.find((one) => one.matches('[data-first]')) : undefined
    const heir = first ?? behind[0] ?? all.at(-1)
    if (heir !== undefined) return heir
  }
  return document.getElementById('main')
}

const isThere = (one: HTMLElement): boolean => one.checkVisibility() && one.closest('[inert]') === null

function isBehind(one: Element, other: Element): boolean {
  if (!other.isConnected) return true
  return (other.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0 && !other.contains(one)
}
