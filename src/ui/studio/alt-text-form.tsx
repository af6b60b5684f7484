/** One picture's alternative text, held to its rules, and its long description apart from it. */
import { useId, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { ALT_TEXT_CHARACTERS, altTextFrom, altTextProblems } from '../../studio/alt-text.ts'
import { captionOf, type CaptionedPicture } from '../../studio/caption.ts'
import { COUNTS } from '../../studio/counts.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { useApp } from '../store-context.ts'
import { markOf } from './grid.tsx'
import { useTyped } from './use-typed.ts'

export function AltTextForm({
  picture,
  onDone,
}: {
  picture: CaptionedPicture
  /** The keys work again. */
  onDone: () => void
}): ReactElement {
  const { t } = useTranslation('studio')
  const write = useApp((state) => state.studioActions.writeAltText)
  const { text, type, leave } = useTyped('alt-text', picture.path, picture.altText)
  const caption = captionOf(picture)
  const characters = COUNTS.characters(text.trim())
  const problems = altTextProblems(text)
  const save = (): void => {
    write(picture.path, text)
    onDone()
  }
  return (
    <>
      <AutoTextarea
        label={t('altText')}
        value={text}
        onChange={type}
        onEnter={save}
        onEscape={() => {
          leave()
          onDone()
        }}
      />
      <p className={characters > ALT_TEXT_CHARACTERS ? 'problem' : 'hint'}>
        {t('altCount', { count: characters, most: ALT_TEXT_CHARACTERS })} · {t(markOf(picture, 'alt-text'))}
      </p>
      <ul className="problem">
        {problems.map((problem) => (
          <li key={problem}>{t(`altProblem.${problem}`)}</li>
        ))}
      </ul>
      <div className="actions">
        <button type="button" disabled={text.trim() === picture.altText} onClick={save}>
          {t('save')}
        </button>
        {caption !== '' && (
          <button type="button" className="quiet" onClick={() => type(altTextFrom(caption))}>
            {t('fromCaption')}
          </button>
        )}
      </div>
      <LongDescription picture={picture} />
    </>
  )
}

function LongDescription({
  picture: { path, longDescription },
}: {
  picture: CaptionedPicture
}): ReactElement {
  const { t } = useTranslation('studio')
  const write = useApp((state) => state.studioActions.writeLongDescription)
  const { text, type, leave } = useTyped('long-description', path, longDescription)
  const hint = useId()
  return (
    <>
      <label className="studio-long">
        {t('longDescription')}
        <textarea
          rows={3}
          aria-describedby={hint}
          value={text}
          onChange={({ target }) => type(target.value)}
          onBlur={() => {
            if (text.trim() === longDescription) leave()
            else write(path, text)
          }}
        />
      </label>
      <p id={hint} className="hint">
        {t('longHint')}
      </p>
    </>
  )
}
