import { useEffect, useEffectEvent, useState, type ReactElement, type SubmitEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { toFailure, type Failure } from '../../pack/failure.ts'
import type { PointedAt } from '../../state/search/fits-slice.ts'
import { Heat } from '../parts/heat.tsx'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'

/** A picture, and over it where the words of a text point. */
export function PointedPicture({
  picture,
  url,
  name,
  words,
  atOnce = false,
}: {
  picture: { id: string; image: Blob }
  url: string
  name: string
  /** What is asked about at first. */
  words: string
  /** Whether they are looked for without being asked. */
  atOnce?: boolean
}): ReactElement {
  const { t } = useTranslation('search')
  const pointAt = useApp((state) => state.pointAt)
  const [text, setText] = useState(words)
  const [shown, setShown] = useState<{ at: PointedAt; phrase: number } | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const point = (): void => {
    pointAt(picture, text).then(
      (at) => setShown({ at, phrase: 0 }),
      (error: unknown) => setFailure(toFailure(error)),
    )
  }
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    setFailure(null)
    point()
  }
  const begin = useEffectEvent(point)
  useEffect(() => {
    if (atOnce) begin()
  }, [atOnce])
  const map = shown?.at.maps[shown.phrase]
  return (
    <>
      <div className="pointed">
        <img src={url} alt={name} />
        {shown !== null && map !== undefined && <Heat map={map} grid={shown.at.grid} />}
      </div>
      <details open={atOnce}>
        <summary>{t('whereLooked')}</summary>
        <form className="ask" onSubmit={onSubmit}>
          <input
            dir="auto"
            aria-label={t('whereText')}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit">{t('whereShow')}</button>
        </form>
        {shown !== null && shown.at.phrases.length > 0 && (
          <fieldset className="choices">
            <legend className="visually-hidden">{t('whereWord')}</legend>
            {shown.at.phrases.map((phrase, i) => (
              <label key={phrase}>
                <input
                  type="radio"
                  name="phrase"
                  checked={i === shown.phrase}
                  onChange={() => setShown({ ...shown, phrase: i })}
                />
                {phrase}
              </label>
            ))}
          </fieldset>
        )}
        {failure !== null && <Notice failure={failure} />}
        <p className="hint">{t('whereCaution')}</p>
      </details>
    </>
  )
}
