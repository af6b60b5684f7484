import { useEffect, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { KeptModel } from '../../protocol/keeper-calls.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { Notice } from '../parts/notice.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { WithheldNotice } from './withheld-notice.tsx'

/** What concerns the page as a whole, in the flow: at its bottom, or at that of the sheet or the rail that lies over it. */
export function Notices(): ReactElement {
  return (
    <div className="notices">
      <WithheldNotice />
      <Update />
      <Interrupted />
      <LibraryFailure />
      <Remark />
      <Undo />
    </div>
  )
}

function Update(): ReactElement | null {
  const { t } = useTranslation('shell')
  const update = useApp((state) => state.update)
  if (update === null) return null
  return (
    <div className="bar" role="group" aria-label={t('notices.update')}>
      <span>{t('notices.updateReady')}</span>
      <button type="button" onClick={update}>
        {t('notices.changeOver')}
      </button>
    </div>
  )
}

function LibraryFailure(): ReactElement | null {
  const { t } = useTranslation('shell')
  const failure = useApp((state) => state.libraryFailure)
  const dismiss = useApp((state) => state.dismissLibraryFailure)
  if (failure === null) return null
  return <Notice failure={failure} action={t('allRight')} onAction={dismiss} />
}

/** A download that an earlier visit left unfinished. */
function Interrupted(): ReactElement | null {
  const kept = useApp((state) => state.kept)
  const elsewhere = useApp((state) => state.elsewhere)
  const isAdding = useApp((state) => state.adding.status !== 'idle')
  const putOff = useApp((state) => state.putOff)
  const panel = useApp((state) => state.panel)
  const putOffModel = useApp((state) => state.putOffModel)
  const model = kept.find(
    ({ id, complete, address }) =>
      !complete && address !== null && elsewhere[id] === undefined && !putOff.includes(id),
  )
  // In the sheet the model itself stands, with what can be done about it.
  if (model === undefined || isAdding || panel === 'models') return null
  return <InterruptedModel model={model} onLater={() => putOffModel(model.id)} />
}

function InterruptedModel({ model, onLater }: { model: KeptModel; onLater: () => void }): ReactElement {
  const { t } = useTranslation('shell')
  const resume = useApp((state) => state.resumeKept)
  const openPanel = useApp((state) => state.openPanel)
  return (
    <div className="bar" role="group" aria-label={t('notices.interrupted')}>
      <span>{t('notices.unfinished', { name: model.name, size: model.bytes })}</span>
      <button
        type="button"
        onClick={() => {
          openPanel('models')
          void resume(model)
        }}
      >
        {t('notices.resume')}
      </button>
      <button type="button" className="link" onClick={onLater}>
        {t('notices.later')}
      </button>
    </div>
  )
}

/** What was left aside of a drop, and what else is good to know. */
function Remark(): ReactElement | null {
  const { t } = useTranslation('shell')
  const aside = useApp((state) => state.aside)
  const dismiss = useApp((state) => state.dismissRemark)
  if (aside === null) return null
  return (
    <div className="bar" role="group" aria-label={t('notices.aside')}>
      <span>
        <Say saying={aside} />
      </span>
      <IconButton icon="close" label={t('dismiss')} onClick={dismiss} />
    </div>
  )
}

/** The last removal, to be taken back; what was removed before it can be taken back after it. */
function Undo(): ReactElement | null {
  const { t } = useTranslation('shell')
  const last = useApp((state) => (state.offersUndo ? state.undoable.at(-1) : undefined))
  const undo = useApp((state) => state.undo)
  const dismiss = useApp((state) => state.dismissUndo)
  const cameBack = useApp((state) => state.cameBack)
  const button = useRef<HTMLButtonElement>(null)
  const offered = useRef<string>(undefined)
  const removalId = last?.removalId
  useEffect(() => {
    const wasOffered = offered.current !== undefined
    offered.current = removalId
    const { activeElement } = document
    if (activeElement !== null && activeElement !== document.body) return
    // What was pressed to remove something went with it; the focus goes to taking it back, and from there to what came back.
    if (button.current !== null) button.current.focus()
    else if (wasOffered && cameBack !== null)
      document.querySelector<HTMLElement>(`[data-turn="${cameBack}"] article`)?.focus()
  }, [removalId, cameBack])
  if (last === undefined) return null
  return (
    <div className="bar" role="group" aria-label={t('notices.undo')}>
      <span>
        <Say saying={last.label} />
      </span>
      <button ref={button} type="button" onClick={undo}>
        {t('notices.undo')}
      </button>
      <IconButton icon="close" label={t('dismiss')} onClick={dismiss} />
    </div>
  )
}
