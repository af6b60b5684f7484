import { useEffect, useRef, useState, type FocusEvent, type KeyboardEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { ShownPicture } from '../../state/search/shown.ts'
import { useScoreText } from './score-text.ts'
import { useThumbnail } from './thumbnails.ts'

/** Pixels: a cell is at least so wide, and as much higher as its two lines of text. */
const CELL_WIDTH = 140
const TEXT_HEIGHT = 52
/** Rows beyond the visible ones to each side. */
const AROUND = 2

export interface ResultGridProps {
  pictures: readonly ShownPicture[]
  onOpen: (picture: ShownPicture) => void
}

/**
 * However many pictures there are, only the rows in sight are in the page: the place of every other is known, since all
 * rows are of one height. One picture takes part in the order of Tab; arrow keys go from it to the others.
 */
export function ResultGrid({ pictures, onOpen }: ResultGridProps): ReactElement {
  const { t } = useTranslation('search')
  const box = useRef<HTMLDivElement>(null)
  const { width, height, top } = useViewport(box)
  const [active, setActive] = useState<string | null>(null)
  const moved = useRef(false)
  const isInside = useRef(false)
  const columns = Math.max(2, Math.floor(width / CELL_WIDTH))
  const rowHeight = Math.floor(width / columns) + TEXT_HEIGHT
  const rows = Math.ceil(pictures.length / columns)
  // The order changes while one watches; the picture that people are at stays the one.
  const at = Math.max(
    0,
    pictures.findIndex(({ key }) => key === active),
  )
  const first = Math.max(0, Math.floor(top / rowHeight) - AROUND)
  const last = Math.min(rows, Math.ceil((top + height) / rowHeight) + AROUND)

  useEffect(() => {
    const grid = box.current
    // A cell that came to another row is another element, and the old one took the focus along.
    const isLost = isInside.current && grid?.contains(document.activeElement) === false
    if (!moved.current && !isLost) return
    moved.current = false
    grid?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: isLost })
  })
  const onBlur = ({ target, relatedTarget }: FocusEvent): void => {
    if (relatedTarget !== null && box.current?.contains(relatedTarget) === true) return
    // What was taken out of the page was not left by anybody.
    queueMicrotask(() => (isInside.current &&= !target.isConnected))
  }
  const go = (to: number): void => {
    const next = Math.max(0, Math.min(to, pictures.length - 1))
    const place = Math.floor(next / columns) * rowHeight
    const grid = box.current
    if (grid !== null && place < grid.scrollTop) grid.scrollTop = place
    else if (grid !== null && place + rowHeight > grid.scrollTop + grid.clientHeight)
      grid.scrollTop = place + rowHeight - grid.clientHeight
    moved.current = true
    setActive(pictures[next]?.key ?? null)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = columns * Math.max(1, Math.floor(height / rowHeight))
    const steps: Partial<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: page,
      PageUp: -page,
      Home: -pictures.length,
      End: pictures.length,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    go(at + step)
  }
  // The picture that Tab goes to is in the page wherever people have scrolled.
  const drawn = new Set([...range(first, last), Math.floor(at / columns)])
  return (
    <div
      ref={box}
      className="results"
      role="grid"
      aria-label={t('results')}
      aria-rowcount={rows}
      aria-colcount={columns}
      // As high as its rows, where they are few.
      style={{ height: rows * rowHeight }}
      onKeyDown={onKeyDown}
      onFocus={() => (isInside.current = true)}
      onBlur={onBlur}
    >
      <div role="presentation" style={{ height: rows * rowHeight }}>
        {[...drawn].map((row) => (
          <div
            key={row}
            role="row"
            aria-rowindex={row + 1}
            style={{
              top: row * rowHeight,
              height: rowHeight,
              gridTemplateColumns: `repeat(${columns}, 1fr)`,
            }}
          >
            {range(row * columns, Math.min((row + 1) * columns, pictures.length)).map((i) => {
              const picture = pictures[i]
              return (
                picture && (
                  <div key={picture.key} role="gridcell">
                    <Cell
                      picture={picture}
                      isActive={i === at}
                      onOpen={() => {
                        setActive(picture.key)
                        onOpen(picture)
                      }}
                    />
                  </div>
                )
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}

function Cell({
  picture,
  isActive,
  onOpen,
}: {
  picture: ShownPicture
  isActive: boolean
  onOpen: () => void
}): ReactElement {
  const scoreText = useScoreText()
  const url = useThumbnail(picture.sha256)
  return (
    <button type="button" className="cell" tabIndex={isActive ? 0 : -1} onClick={onOpen}>
      {url === null ? <span className="blank" /> : <img src={url} alt="" />}
      <span className="cell-name" dir="auto">
        {picture.name}
      </span>
      <span className="hint">{scoreText(picture)}</span>
    </button>
  )
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
}

interface Viewport {
  width: number
  height: number
  top: number
}

function useViewport(box: { current: HTMLElement | null }): Viewport {
  const [viewport, setViewport] = useState<Viewport>({ width: 600, height: 500, top: 0 })
  useEffect(() => {
    const element = box.current
    if (element === null) return
    let frame = 0
    const measure = (): void => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(() =>
        setViewport({ width: element.clientWidth, height: element.clientHeight, top: element.scrollTop }),
      )
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      cancelAnimationFrame(frame)
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [box])
  return viewport
}
