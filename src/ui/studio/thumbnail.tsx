/**
 * A picture at the size of a stamp. It is decoded straight to that size and let go of: with thousands of pictures of
 * twelve megapixels an `img` each would fill the memory.
 */
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useApp } from '../store-context.ts'

/** Twice what is shown, for dense screens. */
const PIXELS = 320
/** Pictures that are decoded at the same time. */
const AT_ONCE = 4

let underWay = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  // Who waits is handed the place of whoever has ended, so that nobody comes in between.
  if (underWay >= AT_ONCE) await new Promise<void>((begin) => waiting.push(begin))
  else underWay += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) underWay -= 1
    else next()
  }
}

export function Thumbnail({ path }: { path: string }): ReactElement {
  const file = useApp((state) => state.studioActions.file)
  const canvas = useRef<HTMLCanvasElement>(null)
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    const gone = new AbortController()
    const isGone = (): boolean => gone.signal.aborted
    const draw = async (): Promise<void> => {
      if (isGone()) return
      const drawn = await createImageBitmap(await file(path), {
        resizeWidth: PIXELS,
        resizeQuality: 'medium',
      })
      const box = canvas.current
      if (!isGone() && box !== null) {
        box.width = drawn.width
        box.height = drawn.height
        box.getContext('2d')?.drawImage(drawn, 0, 0)
      }
      drawn.close()
    }
    inTurn(draw).catch(() => {
      if (!isGone()) setBroken(true)
    })
    return () => gone.abort()
  }, [file, path])
  // Its name stands beside it.
  return isBroken ? (
    <span className="stamp broken" aria-hidden="true" />
  ) : (
    <canvas ref={canvas} className="stamp" aria-hidden="true" />
  )
}
