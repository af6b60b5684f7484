import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Inside } from '../../state/inside-slice.ts'
import { Heat } from '../parts/heat.tsx'
import { likenessText, shareText } from '../search/score-text.ts'

/** Behind the point: neighbouring queries are often nearly as like. */
const DIGITS = 3

export interface QueriesProps {
  inside: Inside
  url: string
  text: string
}

/** Each query's look at the picture, in one layer, alone or with the text; and what comes of them. */
export function Queries({ inside, url, text }: QueriesProps): ReactElement {
  const { t, i18n } = useTranslation('inside')
  const [layer, setLayer] = useState(inside.layers - 1)
  const [withText, setWithText] = useState(false)
  const { likeness, itc, itm, queries } = inside
  const best = likeness.indexOf(itc)
  const [chosen, setChosen] = useState<number | null>(null)
  const query = chosen ?? best
  const maps = withText ? inside.withText : inside.alone
  const mapOf = (query: number): Float32Array => {
    const size = inside.grid ** 2
    const start = (layer * queries + query) * size
    return maps.subarray(start, start + size)
  }
  const textOf = (likeness: number): string => likenessText(likeness, i18n.language, DIGITS)
  const numbers = Array.from({ length: queries }, (_, i) => i)
  const { crossAttentionEvery } = inside.manifest.parts['text-q-former'].shape
  return (
    <section aria-labelledby="queries-heading">
      <h3 id="queries-heading">{t('queries.heading')}</h3>
      <p>{t('queries.intro', { count: queries })}</p>
      <div className="choices">
        <fieldset className="choices">
          <legend>{t('queries.layer')}</legend>
          {Array.from({ length: inside.layers }, (_, i) => (
            <label key={i}>
              <input type="radio" name="layer" checked={i === layer} onChange={() => setLayer(i)} />
              {i * crossAttentionEvery + 1}
            </label>
          ))}
        </fieldset>
        <label>
          <input type="checkbox" checked={withText} onChange={(event) => setWithText(event.target.checked)} />
          {t('queries.withText')}
        </label>
      </div>
      <div className="queries">
        <figure className="large">
          <div className="pointed">
            <img src={url} alt={text} />
            <Heat map={mapOf(query)} grid={inside.grid} />
          </div>
          <figcaption>
            {t('queries.one', { number: query + 1, likeness: textOf(likeness[query] ?? 0) })}
            {query === best && <p className="hint">{t('queries.best')}</p>}
          </figcaption>
        </figure>
        <ul>
          {numbers.map((i) => (
            <li key={i}>
              <button
                type="button"
                aria-pressed={i === query}
                aria-label={t('queries.one', { number: i + 1, likeness: textOf(likeness[i] ?? 0) })}
                className={i === best ? 'is-best' : undefined}
                onClick={() => setChosen(i)}
              >
                <span className="pointed">
                  <img src={url} alt="" />
                  <Heat map={mapOf(i)} grid={inside.grid} />
                </span>
                {i + 1}
              </button>
            </li>
          ))}
        </ul>
      </div>
      <p className="hint">{t('queries.caution')}</p>
      <dl className="outcome">
        <dt>{t('outcome.contrast')}</dt>
        <dd>{t('outcome.contrastSays', { number: best + 1, likeness: textOf(itc) })}</dd>
        <dt>{t('outcome.matching')}</dt>
        <dd>{t('outcome.matchingSays', { share: shareText(itm, i18n.language) })}</dd>
      </dl>
    </section>
  )
}
