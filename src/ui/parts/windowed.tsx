/**
 * Long lists, of which only what is near the visible part is in the page. A list is cut into blocks; a block that is
 * far away is an empty space as high as it was. The browser itself says which are near (IntersectionObserver) and
 * keeps what is read in its place while a space above it becomes a block (scroll anchoring). What people are at work
 * on (the focus, a form, a selection) stays however far they scroll. A list of one block is simply all there.
 */
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react'

/** How far around the visible part blocks are drawn: one screen to each side, so that Tab finds what comes next. */
const AROUND = '100% 0px'

export interface WindowedProps {
  /** How many entries there are. */
  count: number
  /** Entries in a block. */
  blockLength: number
  /** Of an entry, until it has been drawn; pixels. */
  estimatedHeight: number
  /** The block that is drawn at once, or the entry, from 0, whose block is. */
  begin: 'first' | 'last' | number
  /** What stands in the place of those that are not drawn; the first is number 1. */
  name: (from: number, to: number) => string
  /** Draws entries `from` (inclusive) to `to` (exclusive). */
  children: (from: number, to: number) => ReactNode
}

export function Windowed({
  count,
  blockLength,
  estimatedHeight,
  begin,
  name,
  children,
}: WindowedProps): ReactElement {
  const blocks = Math.ceil(count / blockLength)
  const entry = begin === 'first' ? 0 : begin === 'last' ? count - 1 : begin
  const shownAtOnce = Math.floor(entry / blockLength)
  return (
    <>
      {Array.from({ length: blocks }, (_, block) => {
        const from = block * blockLength
        const to = Math.min(from + blockLength, count)
        return (
          <Block
            key={block}
            begin={block === shownAtOnce}
            estimatedHeight={estimatedHeight * (to - from)}
            name={name(from + 1, to)}
          >
            {() => children(from, to)}
          </Block>
        )
      })}
    </>
  )
}

function Block({
  begin,
  estimatedHeight,
  name,
  children,
}: {
  begin: boolean
  estimatedHeight: number
  name: string
  children: () => ReactNode
}): ReactElement {
  const [isNear, setNear] = useState(begin)
  const [height, setHeight] = useState(estimatedHeight)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const block = box.current
    if (block === null) return
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1)
        if (entry?.isIntersecting === true) setNear(true)
        else if (!isInUse(block)) {
          setHeight(block.offsetHeight)
          setNear(false)
        }
      },
      { rootMargin: AROUND, scrollMargin: AROUND },
    )
    observer.observe(block)
    return () => observer.disconnect()
  }, [])
  if (isNear) {
    return (
      <div ref={box} className="block">
        {children()}
      </div>
    )
  }
  return (
    <div ref={box} className="block" style={{ height }}>
      {/* Read out where it is passed, which scrolls there, which draws what belongs here. */}
      <span className="visually-hidden">{name}</span>
    </div>
  )
}

/** Whether people would lose something if it were no longer drawn. */
function isInUse(block: HTMLElement): boolean {
  const selection = document.getSelection()
  return (
    block.contains(document.activeElement) ||
    block.querySelector('form') !== null ||
    (selection?.isCollapsed === false && selection.containsNode(block, true))
  )
}
