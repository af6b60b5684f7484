/** One picture after the other, made for the keyboard: next, previous, accept, edit, again, compare. */
import { useEffect, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { CaptionedPicture } from '../../studio/caption.ts'
import { nameOf } from '../../studio/picture-files.ts'
import { useApp } from '../store-context.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { AltTextForm } from './alt-text-form.tsx'
import { CaptionForm } from './caption-form.tsx'
import { LargePicture } from './large-picture.tsx'
import { useKeys } from './use-keys.ts'
import { useRunSettings } from './run-draft.ts'
import type { Mode } from './workbench.tsx'

export function OneByOne({
  pictures,
  mode,
  path,
  onMove,
  onClose,
}: {
  pictures: readonly CaptionedPicture[]
  mode: Mode
  path: string
  onMove: (path: string) => void
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('studio')
  const all = useApp((state) => state.studio.pictures)
  const actions = useApp((state) => state.studioActions)
  const { settings } = useRunSettings()
  const box = useRef<HTMLElement>(null)
  const index = pictures.findIndex((one) => one.path === path)
  // A filter may no longer let it through, as when it was the last one without a caption: it stays until one goes on.
  const picture = pictures[index] ?? all.find((one) => one.path === path)
  const neighbour = (by: number): string | undefined =>
    pictures[index < 0 ? (by > 0 ? 0 : pictures.length - 1) : index + by]?.path
  const move = (by: number): void => {
    const next = neighbour(by)
    if (next !== undefined) onMove(next)
  }
  const accept = (): void => {
    if (mode === 'captions') actions.accept(path)
    else actions.acceptAltText(path)
    move(1)
  }
  const edit = (): void => {
    const field = box.current?.querySelector('textarea')
    field?.focus()
    field?.setSelectionRange(field.value.length, field.value.length)
  }
  const again = (): void => {
    if (settings !== null)
      actions.again(path, { ...settings, target: mode === 'captions' ? 'caption' : 'alt-text' })
  }
  useEffect(() => box.current?.focus(), [path])
  useKeys({
    ArrowRight: () => move(1),
    j: () => move(1),
    ArrowLeft: () => move(-1),
    k: () => move(-1),
    Enter: accept,
    a: accept,
    e: edit,
    r: again,
    u: actions.undo,
    g: onClose,
    // Those to choose from are captions.
    ...(mode === 'captions' &&
      Object.fromEntries(
        Array.from({ length: 9 }, (_, i) => [`${i + 1}`, () => actions.takeCandidate(path, i)] as const),
      )),
  })
  if (picture === undefined) return <p className="hint">{t('none')}</p>
  return (
    <section ref={box} tabIndex={-1} className="studio-one" aria-label={t('oneOf', { name: nameOf(path) })}>
      <div className="actions">
        <button type="button" disabled={neighbour(-1) === undefined} onClick={() => move(-1)}>
          {t('previous')}
        </button>
        <button type="button" disabled={neighbour(1) === undefined} onClick={() => move(1)}>
          {t('next')}
        </button>
        <button type="button" className="primary" onClick={accept}>
          {t('accept')}
        </button>
        <button type="button" disabled={settings === null} onClick={again}>
          {t('again')}
        </button>
        <button type="button" className="quiet" onClick={onClose}>
          {t('toGrid')}
        </button>
        <span className="hint">{index >= 0 && t('place', { at: index + 1, of: pictures.length })}</span>
      </div>
      <LargePicture key={path} path={path} />
      <div className="studio-words">
        <h4>{path}</h4>
        {picture.failure !== null && (
          <p className="problem">
            <FailureWords failure={picture.failure} /> <code>{picture.failure.code}</code>
          </p>
        )}
        {mode === 'captions' ? (
          <CaptionForm key={path} picture={picture} onDone={() => box.current?.focus()} />
        ) : (
          <AltTextForm key={path} picture={picture} onDone={() => box.current?.focus()} />
        )}
        <p className="hint">{t(mode === 'captions' ? 'keys' : 'keysAltText')}</p>
      </div>
    </section>
  )
}
