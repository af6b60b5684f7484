import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Picture } from '../../conversation/conversation.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { Over } from '../parts/over.tsx'
import { PictureView } from './picture.tsx'
import { pinch, wheelFactor, WHOLE, within, zoomAt, type Point, type Size, type View } from './zoom.ts'

/** Of a press of a key or a button. */
const STEP = 1.4
const MOVE_PIXELS = 60

/** One picture over the whole page, to look closer: wheel, fingers, buttons and keys. */
export function Viewer({ picture }: { picture: Picture }): ReactElement {
  const { t } = useTranslation('talk')
  const { frame, view, zoom, move, show } = useView()
  const fingers = useFingers(frame, zoom, move)
  const onKeyDown = ({ key }: KeyboardEvent): void => {
    if (key === '+' || key === '=') zoom(STEP)
    else if (key === '-') zoom(1 / STEP)
    else if (key === '0') show(WHOLE)
    else if (key === 'ArrowLeft') move({ x: MOVE_PIXELS, y: 0 })
    else if (key === 'ArrowRight') move({ x: -MOVE_PIXELS, y: 0 })
    else if (key === 'ArrowUp') move({ x: 0, y: MOVE_PIXELS })
    else if (key === 'ArrowDown') move({ x: 0, y: -MOVE_PIXELS })
  }
  const percent = Math.round(view.scale * 100)
  return (
    <Over name={picture.name} className="viewer" onKeyDown={onKeyDown}>
      <div
        ref={frame}
        className="viewer-frame"
        role="application"
        aria-label={`${t('picture.yours', { name: picture.name })}. ${t('picture.help')}`}
        tabIndex={0}
        data-first
        onDoubleClick={() => (view.scale > 1 ? show(WHOLE) : zoom(STEP * STEP))}
        {...fingers}
      >
        <div className="viewer-picture" ref={(box) => transform(box, view)}>
          <PictureView picture={picture} />
        </div>
      </div>
      <div className="viewer-bar">
        <IconButton icon="zoomOut" label={t('picture.zoomOut')} onClick={() => zoom(1 / STEP)} />
        <span role="status">{t('picture.zoom', { percent })}</span>
        <IconButton icon="zoomIn" label={t('picture.zoomIn')} onClick={() => zoom(STEP)} />
        <IconButton icon="fit" label={t('picture.fit')} onClick={() => show(WHOLE)} />
      </div>
    </Over>
  )
}

/** Set on the element itself: the content security policy has no inline styles, and CSSOM is none. */
function transform(box: HTMLElement | null, { scale, x, y }: View): void {
  if (box !== null) box.style.transform = `translate(${x}px, ${y}px) scale(${scale})`
}

interface Viewing {
  frame: React.RefObject<HTMLDivElement | null>
  view: View
  zoom: (factor: number, at?: Point) => void
  move: (by: Point) => void
  show: (view: View) => void
}

function useView(): Viewing {
  const frame = useRef<HTMLDivElement>(null)
  const [view, show] = useState(WHOLE)
  const change = (to: (view: View) => View): void =>
    show((before) => {
      const { fitted, around } = sizesIn(frame.current)
      return within(to(before), fitted, around)
    })
  const zoom = (factor: number, at: Point = { x: 0, y: 0 }): void =>
    change((before) => zoomAt(before, factor, at))
  const move = (by: Point): void =>
    change((before) => ({ ...before, x: before.x + by.x, y: before.y + by.y }))
  return { frame, view, zoom, move, show }
}

/** Sizes before any transform. */
function sizesIn(frame: HTMLElement | null): { fitted: Size; around: Size } {
  const { naturalWidth = 1, naturalHeight = 1 } = frame?.querySelector('img') ?? {}
  const around = { width: frame?.clientWidth ?? 0, height: frame?.clientHeight ?? 0 }
  const fit = Math.min(around.width / naturalWidth, around.height / naturalHeight)
  return { fitted: { width: naturalWidth * fit, height: naturalHeight * fit }, around }
}

type Fingers = Record<
  'onPointerDown' | 'onPointerMove' | 'onPointerUp' | 'onPointerCancel',
  (event: PointerEvent) => void
>

/** One pointer drags, two pinch; the wheel zooms where it stands. */
function useFingers(frame: Viewing['frame'], zoom: Viewing['zoom'], move: Viewing['move']): Fingers {
  const down = useRef(new Map<number, Point>())
  useEffect(() => {
    const box = frame.current
    // React listens passively, and the page would scroll along.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault()
      zoom(wheelFactor(event), fromMiddle(box, { x: event.clientX, y: event.clientY }))
    }
    box?.addEventListener('wheel', onWheel, { passive: false })
    return () => box?.removeEventListener('wheel', onWheel)
  })
  const lift = (event: PointerEvent): void => void down.current.delete(event.pointerId)
  return {
    onPointerDown(event) {
      event.currentTarget.setPointerCapture(event.pointerId)
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY })
    },
    onPointerMove(event) {
      const before = down.current.get(event.pointerId)
      if (before === undefined) return
      const now = { x: event.clientX, y: event.clientY }
      down.current.set(event.pointerId, now)
      const other = [...down.current].find(([id]) => id !== event.pointerId)?.[1]
      if (other === undefined) {
        move({ x: now.x - before.x, y: now.y - before.y })
        return
      }
      const [was, is] = [pinch(before, other), pinch(now, other)]
      if (was.distance > 0) zoom(is.distance / was.distance, fromMiddle(frame.current, is.middle))
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  }
}

function fromMiddle(box: HTMLElement | null, { x, y }: Point): Point {
  const { left = 0, top = 0, width = 0, height = 0 } = box?.getBoundingClientRect() ?? {}
  return { x: x - left - width / 2, y: y - top - height / 2 }
}
