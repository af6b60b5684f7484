import { useEffect, useRef, type ReactElement } from 'react'
import './heat.css'

/**
 * Lies over a picture and darkens what a map [grid · grid], from 0 to 1, does not point at. The browser smooths between
 * patches, which are the model's own measure.
 */
export function Heat({ map, grid }: { map: Float32Array; grid: number }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context == null) return
    const pixels = context.createImageData(grid, grid)
    map.forEach((value, i) => (pixels.data[4 * i + 3] = Math.round(DARKEST * (1 - value))))
    context.putImageData(pixels, 0, 0)
  }, [map, grid])
  return <canvas ref={canvas} width={grid} height={grid} aria-hidden="true" />
}

/** Opacity of black, of 255, where a word does not point at all. */
const DARKEST = 190
