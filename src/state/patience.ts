/** What could not be kept is tried again after so long: people make room outside of the browser, too, of which nobody tells the page. */
export const AGAIN_MS = 10_000

/** Whether `work` settles within `ms`, well or badly. */
export async function isIn(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)))
  const settled = (): boolean => true
  try {
    return await Promise.race([work.then(settled, settled), late])
  } finally {
    clearTimeout(timer)
  }
}
