import { useEffect, useRef, useState, type ReactElement } from 'react'
import {
  siblingsOf,
  type AnswerState,
  type Conversation,
  type Picture,
  type Turn,
} from '../../conversation/conversation.ts'
import { answerKey } from '../../state/answering.ts'
import { Answer } from './answer.tsx'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { PhotographHint } from './photograph-hint.tsx'
import { useApp } from '../store-context.ts'

/** One question and its answers, one for each picture; the first turn of a picture has no question. */
export function TurnView({
  conversation,
  turn,
  first,
}: {
  conversation: Conversation
  turn: Turn
  first: boolean
}): ReactElement {
  const { pictures } = conversation
  return (
    <div className="turn">
      {turn.question !== null && <Question conversation={conversation} turn={turn} words={turn.question} />}
      <div className={pictures.length > 1 ? 'answers side-by-side' : 'answers'}>
        {pictures.map((picture) => (
          <AnswerOf
            key={picture.id}
            turn={turn}
            picture={picture}
            withPicture={first || pictures.length > 1}
          />
        ))}
      </div>
      {first && <PhotographHint pictures={pictures} />}
      <TurnActions conversation={conversation} turn={turn} />
    </div>
  )
}

/** Of a picture that a turn says nothing about. */
const NEVER_ASKED: AnswerState = {
  status: 'failed',
  text: '',
  failure: { code: 'not-found', message: 'Nothing was asked about this picture here; ask again.' },
}

function AnswerOf({
  turn,
  picture,
  withPicture,
}: {
  turn: Turn
  picture: Picture
  withPicture: boolean
}): ReactElement {
  const answer = turn.answers[picture.id] ?? NEVER_ASKED
  return (
    <Answer
      turnId={turn.id}
      picture={picture}
      question={turn.question}
      answer={answer}
      withPicture={withPicture}
    />
  )
}

/** What was asked, to be changed in its place: the old wording stays as another version. */
function Question({
  conversation,
  turn,
  words,
}: {
  conversation: Conversation
  turn: Turn
  words: string
}): ReactElement {
  const askAgain = useApp((state) => state.askAgain)
  const [draft, setDraft] = useState<string | null>(null)
  const edit = useRef<HTMLButtonElement>(null)
  const wasEditing = useRef(false)
  useEffect(() => {
    // Leaving the editor gives the focus back to where it came from.
    if (draft === null && wasEditing.current) edit.current?.focus()
    wasEditing.current = draft !== null
  }, [draft])
  if (draft === null) {
    return (
      <div className="question">
        <p>{words}</p>
        <button
          ref={edit}
          type="button"
          className="link"
          aria-label={`Edit question: ${words}`}
          onClick={() => setDraft(words)}
        >
          Edit
        </button>
        <Versions conversation={conversation} turn={turn} />
      </div>
    )
  }
  const submit = (): void => {
    const question = draft.trim()
    if (question === '') return
    setDraft(null)
    askAgain(turn.id, question)
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
        label="Edit the question"
        value={draft}
        onChange={setDraft}
        onEnter={submit}
        onEscape={() => setDraft(null)}
        focused
      />
      <div className="actions">
        <button type="submit" className="primary">
          Ask this instead
        </button>
        <button type="button" onClick={() => setDraft(null)}>
          Cancel
        </button>
      </div>
    </form>
  )
}

/** Which of several versions of a turn is shown. */
function Versions({ conversation, turn }: { conversation: Conversation; turn: Turn }): ReactElement | null {
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
      <button
        type="button"
        className="link"
        aria-label="Previous version"
        aria-disabled={at === 0}
        onClick={() => go(at - 1)}
      >
        ‹
      </button>
      <span>
        {at + 1} / {siblings.length}
      </span>
      <button
        type="button"
        className="link"
        aria-label="Next version"
        aria-disabled={at === siblings.length - 1}
        onClick={() => go(at + 1)}
      >
        ›
      </button>
    </span>
  )
}

function TurnActions({
  conversation,
  turn,
}: {
  conversation: Conversation
  turn: Turn
}): ReactElement | null {
  const askAgain = useApp((state) => state.askAgain)
  const deleteTurn = useApp((state) => state.deleteTurn)
  const underWay = useApp((state) =>
    conversation.pictures.some(({ id }) => answerKey(turn.id, id) in state.underWay),
  )
  // What waits is about to be written.
  const waiting = conversation.pictures.some(({ id }) => turn.answers[id]?.status === 'waiting')
  if (underWay) return null
  const name = turn.question ?? conversation.pictures.map((picture) => picture.name).join(', ')
  return (
    <div className="actions">
      {!waiting && (
        <button
          type="button"
          className="quiet"
          aria-label={`Write another answer: ${name}`}
          onClick={() => askAgain(turn.id, turn.question)}
        >
          Write another
        </button>
      )}
      <button
        type="button"
        className="quiet"
        aria-label={`Remove ${name}`}
        onClick={() => {
          deleteTurn(turn.id)
          // The button is gone; what comes next is asking, or undoing.
          document.querySelector<HTMLElement>('[data-after-removal]')?.focus()
        }}
      >
        Remove
      </button>
      {turn.question === null && <Versions conversation={conversation} turn={turn} />}
    </div>
  )
}
