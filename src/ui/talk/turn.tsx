import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Conversation, Picture, Turn } from '../../conversation/conversation.ts'
import { answerKey } from '../../state/under-way.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { PictureView } from '../picture/picture.tsx'
import { useApp } from '../store-context.ts'
import { Answer, NEVER_ASKED } from './answer.tsx'
import { PhotographHint } from './photograph-hint.tsx'
import { Question, Versions } from './question.tsx'

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
  const [picture] = pictures
  const actions = useMemo(() => <TurnActions conversation={conversation} turn={turn} />, [conversation, turn])
  const isOne = pictures.length === 1 && picture !== undefined
  return (
    <div className="turn" data-turn={turn.id}>
      {turn.question !== null && <Question conversation={conversation} turn={turn} words={turn.question} />}
      {isOne ? (
        <AnswerOf turn={turn} picture={picture}>
          {actions}
        </AnswerOf>
      ) : (
        <>
          <Compared turn={turn} pictures={pictures} />
          <span className="answer-actions">{actions}</span>
        </>
      )}
      {first && <PhotographHint pictures={pictures} />}
    </div>
  )
}

/** The same question to several pictures: a row for each. */
function Compared({ turn, pictures }: { turn: Turn; pictures: readonly Picture[] }): ReactElement {
  const { t } = useTranslation('talk')
  return (
    <table className="compared">
      <caption className="visually-hidden">{t('conversation.compared')}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">{t('conversation.pictureColumn')}</th>
          <th scope="col">{t('conversation.answerColumn')}</th>
        </tr>
      </thead>
      <tbody>
        {pictures.map((picture) => (
          <tr key={picture.id}>
            <th scope="row">
              <span>
                <PictureView picture={picture} small />
                <span className="row-name" dir="auto" title={picture.name}>
                  {picture.name}
                </span>
              </span>
            </th>
            <td>
              <AnswerOf turn={turn} picture={picture} isRow />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function AnswerOf({
  turn,
  picture,
  isRow = false,
  children = null,
}: {
  turn: Turn
  picture: Picture
  isRow?: boolean
  children?: ReactElement | null
}): ReactElement {
  const answer = turn.answers[picture.id] ?? NEVER_ASKED
  return (
    <Answer turnId={turn.id} picture={picture} question={turn.question} answer={answer} isRow={isRow}>
      {children}
    </Answer>
  )
}

function TurnActions({
  conversation,
  turn,
}: {
  conversation: Conversation
  turn: Turn
}): ReactElement | null {
  const { t } = useTranslation('talk')
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
    <>
      {!waiting && (
        <IconButton
          icon="again"
          label={t('answer.again', { name })}
          onClick={() => askAgain(turn.id, turn.question)}
        />
      )}
      <IconButton icon="remove" label={t('answer.remove', { name })} onClick={() => deleteTurn(turn.id)} />
      {turn.question === null && <Versions conversation={conversation} turn={turn} />}
    </>
  )
}
