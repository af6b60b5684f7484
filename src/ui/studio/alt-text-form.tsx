/** One picture's alternative text, held to its rules, and its long description apart from it. */
import { useId, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { ALT_TEXT_CHARACTERS, altTextFrom, altTextProblems } from '../../studio/alt-text.ts'
import { captionOf, type CaptionedPicture } from '../../studio/caption.ts'
import { COUNTS } from '../../studio/counts.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { useApp } from '../store-context.ts'
import { markOf } from './grid.tsx'

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
  const [text, setText] = useState(picture.altText)
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
        onChange={setText}
        onEnter={save}
        onEscape={() => {
          setText(picture.altText)
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
          <button type="button" className="quiet" onClick={() => setText(altTextFrom(caption))}>
            {t('fromCaption')}
          </button>
        )}
      </div>
      <LongDescription key={picture.longDescription} picture={picture} />
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
  const [text, setText] = useState(longDescription)
  const hint = useId()
  return (
    <>
      <label className="studio-long">
        {t('longDescription')}
        <textarea
          rows={3}
          aria-describedby={hint}
          value={text}
          onChange={({ target }) => setText(target.value)}
          onBlur={() => {
            if (text.trim() !== longDescription) write(path, text)
          }}
        />
      </label>
      <p id={hint} className="hint">
        {t('longHint')}
      </p>
    </>
  )
}
