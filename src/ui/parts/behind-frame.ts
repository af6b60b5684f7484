/**
 * What is called as often as something changes, for `work` once behind the next frame and what is done in it. In a tab
 * behind others no frame comes while much may change, and nothing piles up there.
 */
export function behindFrame(work: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      setTimeout(work)
    })
  }
}
