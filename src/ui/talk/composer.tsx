import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Conversation } from '../../conversation/conversation.ts'
import { isWritingHere } from '../../state/under-way.ts'
import { currentConversation } from '../../state/library-slice.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { Icon } from '../parts/icons.tsx'
import { ModelFailed } from '../parts/model-failed.tsx'
import { useApp } from '../store-context.ts'
import { AddMenu } from './add-menu.tsx'
import { SuggestedQuestions } from './suggested-questions.tsx'

/** One line: bring a picture, ask, send; while an answer is written, Send is Stop. */
export function Composer(): ReactElement | null {
  const conversation = useApp(currentConversation)
  return conversation === undefined ? null : <AskLine conversation={conversation} />
}

function AskLine({ conversation }: { conversation: Conversation }): ReactElement {
  const { t, i18n } = useTranslation('talk')
  const draft = useApp((state) => state.drafts[conversation.id] ?? '')
  const changeDraft = useApp((state) => state.changeDraft)
  const send = useApp((state) => state.send)
  const isNew = conversation.turns.length < 3
  const placeholder = conversation.pictures.length > 1 ? t('ask.several') : t('ask.placeholder')
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <ModelFailed />
      {isNew && <SuggestedQuestions />}
      <div className="ask">
        <AddMenu />
        <AutoTextarea
          label={t('ask.label')}
          placeholder={placeholder}
          value={draft}
          onChange={changeDraft}
          onEnter={send}
        />
        <SendOrStop draft={draft} />
      </div>
      {i18n.language !== 'en' && <p className="hint">{t('ask.english')}</p>}
    </form>
  )
}

/** A question that is typed while an answer is written can be sent: it waits for its turn. */
function SendOrStop({ draft }: { draft: string }): ReactElement {
  const { t } = useTranslation('talk')
  const stop = useApp((state) => state.stop)
  const isWriting = useApp(isWritingHere)
  const isStop = isWriting && draft.trim() === ''
  return (
    <button
      key="send"
      type={isStop ? 'button' : 'submit'}
      className="send"
      aria-disabled={!isStop && draft.trim() === ''}
      onClick={
        isStop
          ? (event) => {
              event.preventDefault()
              stop()
            }
          : undefined
      }
    >
      <Icon name={isStop ? 'stop' : 'send'} />
      <span>{isStop ? t('ask.stop') : t('ask.send')}</span>
    </button>
  )
}
