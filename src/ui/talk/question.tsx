import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { siblingsOf, type Conversation, type Turn } from '../../conversation/conversation.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { IconButton } from '../parts/icon-button.tsx'
import { useFocusBack } from '../parts/use-focus-back.ts'
import { useApp } from '../store-context.ts'

/** What was asked, to be changed in its place: the old wording stays as another version. */
export function Question({
  conversation,
  turn,
  words,
}: {
  conversation: Conversation
  turn: Turn
  words: string
}): ReactElement {
  const { t } = useTranslation('talk')
  const draft = useApp((state) => state.drafts[turn.id])
  const changeWording = useApp((state) => state.changeWording)
  // What an earlier page left unfinished is there again, and takes the focus from nobody.
  const [editing, setEditing] = useState<'opened' | 'kept' | null>(draft === undefined ? null : 'kept')
  const edit = useFocusBack(editing !== null)
  if (editing !== null)
    return (
      <QuestionEditor
        turnId={turn.id}
        draft={draft ?? ''}
        focused={editing === 'opened'}
        onChange={(text) => changeWording(turn.id, text)}
        onLeave={() => {
          changeWording(turn.id, '')
          setEditing(null)
        }}
      />
    )
  return (
    <div className="question">
      <Versions conversation={conversation} turn={turn} />
      <IconButton
        ref={edit}
        icon="edit"
        className="edit-question"
        label={t('ask.edit', { question: words })}
        onClick={() => {
          changeWording(turn.id, words)
          setEditing('opened')
        }}
      />
      <p dir="auto">{words}</p>
    </div>
  )
}

function QuestionEditor({
  turnId,
  draft,
  focused,
  onChange,
  onLeave,
}: {
  turnId: string
  draft: string
  focused: boolean
  onChange: (draft: string) => void
  onLeave: () => void
}): ReactElement {
  const { t } = useTranslation(['talk', 'shell'])
  const askAgain = useApp((state) => state.askAgain)
  const submit = (): void => {
    const question = draft.trim()
    if (question !== '' && askAgain(turnId, question)) onLeave()
  }
  return (
    <form
      className="question editing"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <AutoTextarea
        label={t('talk:ask.editing')}
        value={draft}
        onChange={onChange}
        onEnter={submit}
        onEscape={onLeave}
        focused={focused}
      />
      <div className="actions">
        <button type="submit" className="primary">
          {t('talk:ask.instead')}
        </button>
        <button type="button" className="quiet" onClick={onLeave}>
          {t('shell:cancel')}
        </button>
      </div>
    </form>
  )
}

/** Which of several versions of a turn is shown. */
export function Versions({
  conversation,
  turn,
}: {
  conversation: Conversation
  turn: Turn
}): ReactElement | null {
  const { t } = useTranslation('talk')
  const showTurn = useApp((state) => state.showTurn)
  const siblings = siblingsOf(conversation, turn)
  if (siblings.length < 2) return null
  const at = siblings.indexOf(turn)
  const go = (to: number): void => {
    const sibling = siblings[to]
    if (sibling !== undefined) showTurn(sibling.id)
  }
  return (
    <span className="versions">
      <IconButton
        icon="previous"
        label={t('answer.previous')}
        aria-disabled={at === 0}
        onClick={() => go(at - 1)}
      />
      <span>
        {at + 1} / {siblings.length}
      </span>
      <IconButton
        icon="next"
        label={t('answer.next')}
        aria-disabled={at === siblings.length - 1}
        onClick={() => go(at + 1)}
      />
    </span>
  )
}
