import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { altTextProblems } from '../../studio/alt-text.ts'
import { captionOf, type CaptionedPicture } from '../../studio/caption.ts'
import { useApp } from '../store-context.ts'

/** How far the alternative texts are: made, seen by a person, and held to their rules. */
export function AltTextPanel({ shown }: { shown: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const fill = useApp((state) => state.studioActions.fillAltTexts)
  const { missing, unseen, faulty } = useMemo(() => altTextCounts(shown), [shown])
  return (
    <div className="actions">
      <button type="button" disabled={missing === 0} onClick={() => void fill(shown.map(({ path }) => path))}>
        {t('fillAltTexts', { count: missing })}
      </button>
      <span className="hint">{t('altReview', { unseen, faulty })}</span>
    </div>
  )
}

export function altTextCounts(pictures: readonly CaptionedPicture[]): {
  /** Could be made of captions. */
  missing: number
  unseen: number
  /** Break one of the rules. */
  faulty: number
} {
  let [missing, unseen, faulty] = [0, 0, 0]
  for (const picture of pictures) {
    if (picture.altText === '') {
      if (captionOf(picture) !== '') missing += 1
      continue
    }
    if (!picture.altAccepted) unseen += 1
    if (altTextProblems(picture.altText).length > 0) faulty += 1
  }
  return { missing, unseen, faulty }
}
