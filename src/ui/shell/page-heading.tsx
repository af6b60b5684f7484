import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Title } from '../library/title.tsx'
import { NAMESPACES } from '../../messages/words.ts'
import { currentConversation } from '../../state/library-slice.ts'
import { useApp } from '../store-context.ts'
import type { Place } from './places.tsx'

/** What the page is about, for those who go by headings; where nothing was said yet, the question that is seen is it. */
export function PageHeading({ place }: { place: Place }): ReactElement | null {
  const { t } = useTranslation(NAMESPACES)
  const shown = useApp(currentConversation)
  const isSeen = useApp(({ awaited, panel }) => awaited === null && panel !== 'rail')
  if (place.name === 'talk' && shown === undefined && isSeen) return null
  const isTalk = place.name === 'talk' && shown !== undefined
  return (
    <h1 className="visually-hidden" dir="auto">
      {isTalk ? <Title conversation={shown} /> : t(place.label)}
    </h1>
  )
}
