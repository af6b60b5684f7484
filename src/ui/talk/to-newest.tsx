import { useEffect, useState, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../parts/icon-button.tsx'

interface ToNewestProps {
  /** Lies behind the newest turn, as far below as what is stuck to the lower edge is high: it is seen where the turn is, too. */
  probe: RefObject<HTMLElement | null>
  go: () => void
}

/** Leads to the newest turn from wherever one has scrolled to; not there while its end is in sight, clear of the line to ask in. */
export function ToNewest({ probe, go }: ToNewestProps): ReactElement | null {
  const { t } = useTranslation('talk')
  const below = useBelow(probe)
  if (!below) return null
  return (
    <div className="to-newest">
      <IconButton icon="down" label={t('conversation.toNewest')} onClick={go} />
    </div>
  )
}

/** Whether it lies below what the window shows. */
function useBelow(place: RefObject<HTMLElement | null>): boolean {
  const [below, setBelow] = useState(false)
  useEffect(() => {
    const { current } = place
    if (current === null) return
    const observer = new IntersectionObserver((entries) => {
      const entry = entries.at(-1)
      if (entry !== undefined) setBelow(!entry.isIntersecting && entry.boundingClientRect.top > 0)
    })
    observer.observe(current)
    return () => observer.disconnect()
  }, [place])
  return below
}
