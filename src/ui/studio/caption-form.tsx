/** A caption to be corrected, what else was offered, and every version that it had. */
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { captionOf, type Author, type CaptionedPicture } from '../../studio/caption.ts'
import { COUNTS } from '../../studio/counts.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { useApp } from '../store-context.ts'
import { markOf } from './grid.tsx'
import { useTyped } from './use-typed.ts'

export function CaptionForm({
  picture,
  onDone,
}: {
  picture: CaptionedPicture
  /** The keys work again. */
  onDone: () => void
}): ReactElement {
  const { t, i18n } = useTranslation('studio')
  const write = useApp((state) => state.studioActions.write)
  const { path, match } = picture
  const { text, type, leave } = useTyped('caption', path, captionOf(picture))
  const score = picture.versions.at(-1)?.score ?? null
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 })
  const save = (): void => {
    write(path, text)
    onDone()
  }
  return (
    <>
      <AutoTextarea
        label={t('caption')}
        value={text}
        onChange={type}
        onEnter={save}
        onEscape={() => {
          leave()
          onDone()
        }}
      />
      <p className="hint">
        {t('lengths', {
          characters: COUNTS.characters(text),
          words: COUNTS.words(text),
          tokens: COUNTS.clipTokens(text),
        })}
        {' · '}
        {t(markOf(picture, 'captions'))}
        {score !== null && ` · ${t('score', { score: number.format(score) })}`}
        {match !== null && ` · ${t('match', { match: number.format(match) })}`}
      </p>
      <div className="actions">
        <button type="button" disabled={text.trim() === captionOf(picture)} onClick={save}>
          {t('save')}
        </button>
      </div>
      {picture.candidates.length > 1 && <Candidates picture={picture} />}
      {picture.versions.length > 1 && <Versions picture={picture} />}
    </>
  )
}

function Candidates({ picture }: { picture: CaptionedPicture }): ReactElement {
  const { t } = useTranslation('studio')
  const take = useApp((state) => state.studioActions.takeCandidate)
  const current = captionOf(picture)
  return (
    <>
      <h4>{t('candidates')}</h4>
      <ol className="studio-candidates">
        {picture.candidates.map(({ text, score }, i) => (
          <li key={text}>
            <button type="button" aria-pressed={text === current} onClick={() => take(picture.path, i)}>
              <span>{text}</span> <span className="hint">{score.toFixed(2)}</span>
            </button>
          </li>
        ))}
      </ol>
    </>
  )
}

/** The newest first, each with who wrote it. */
function Versions({ picture: { path, versions } }: { picture: CaptionedPicture }): ReactElement {
  const { t, i18n } = useTranslation('studio')
  const take = useApp((state) => state.studioActions.takeVersion)
  const time = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'short', timeStyle: 'short' })
  const whoWrote = (by: Author): string => {
    if (by.kind === 'file') return t('by.file', { name: by.name })
    if (by.kind === 'person') return t(by.step === undefined ? 'by.person' : 'by.step')
    return t('by.model', { model: by.model })
  }
  return (
    <details>
      <summary>{t('versions', { count: versions.length })}</summary>
      <ol className="studio-versions">
        {versions
          .map((version, index) => ({ ...version, index }))
          .toReversed()
          .map(({ text, by, at, index }) => (
            <li key={index}>
              <span>{text}</span>
              <span className="hint">
                {whoWrote(by)} · {time.format(at)}
              </span>
              {index < versions.length - 1 && (
                <button type="button" className="link" onClick={() => take(path, index)}>
                  {t('takeVersion')}
                </button>
              )}
            </li>
          ))}
      </ol>
    </details>
  )
}
