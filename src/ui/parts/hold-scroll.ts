/** Without any movement for so long a place counts as reached: longer than a browser glides. */
const REST_MS = 500

/** What people do who want to be elsewhere; the focus also moves by itself, where a screen reader goes on. */
const INTERRUPTIONS = ['wheel', 'touchstart', 'pointerdown', 'keydown', 'focusin'] as const

/**
 * Scrolls to a place and holds it until the page has come to rest there. Scrolling once is not enough: a glide that was
 * under way goes on behind it, and what is drawn only when it is seen turns out higher than was thought. People who do
 * something else meanwhile are let go at once.
 *
 * `goThere` scrolls without gliding, and does nothing where one is there. Returns what gives up.
 */
export function holdScroll(goThere: () => void): () => void {
  let frame = 0
  let since = performance.now()
  const giveUp = (): void => {
    cancelAnimationFrame(frame)
    for (const name of INTERRUPTIONS) removeEventListener(name, giveUp, true)
  }
  const hold = (): void => {
    const before = scrollY
    goThere()
    if (scrollY !== before) since = performance.now()
    if (performance.now() - since < REST_MS) frame = requestAnimationFrame(hold)
    else giveUp()
  }
  for (const name of INTERRUPTIONS) addEventListener(name, giveUp, { capture: true, passive: true })
  hold()
  return giveUp
}
