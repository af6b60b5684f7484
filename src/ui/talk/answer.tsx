import { memo, useEffect, useRef, useState, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { answerText, type AnswerState, type Picture } from '../../conversation/conversation.ts'
import type { Failure } from '../../pack/failure.ts'
import { emptyAnswerNote } from '../../state/answered.ts'
import { answerKey, type UnderWay } from '../../state/under-way.ts'
import { modelName } from '../../state/model-slice.ts'
import { CopyIcon } from '../parts/copy-button.tsx'
import { IconButton } from '../parts/icon-button.tsx'
import { Notice } from '../parts/notice.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { FitsPicture } from './fit.tsx'
import { Pointing } from './pointing.tsx'
import { AnswerFactsList } from './answer-facts.tsx'
import { AnswerProgressLine, AnswerWaiting } from './answer-progress.tsx'
import { LimitsMark } from './limits-mark.tsx'
import { Others } from './other-answers.tsx'

/** A picture that came, by another tab or an import, to a turn that was not asked about it. */
export const NEVER_ASKED = { status: 'never-asked' } as const

type ShownAnswer = AnswerState | typeof NEVER_ASKED

interface AnswerProps {
  turnId: string
  picture: Picture
  question: string | null
  answer: ShownAnswer
  /** In a table of answers: what can be asked about one is there once its facts are asked for. */
  isRow?: boolean
  /** What can be done with the whole turn, beside what can be done with this answer. */
  children?: ReactElement | null
}

/**
 * What the model says about one picture, and small buttons for what can be done with it. Finished ones are not drawn again
 * while another is written.
 */
export const Answer = memo(function Answer(props: AnswerProps): ReactElement {
  const { turnId, picture, question, answer, isRow = false, children } = props
  const { t } = useTranslation('talk')
  const [open, setOpen] = useState(false)
  const underWay = useApp((state) => state.underWay[answerKey(turnId, picture.id)])
  const article = useRef<HTMLElement>(null)
  useScrollOnProgress(
    article,
    answer.status === 'waiting' ? (underWay?.progress.stage ?? 'waiting') : answer.status,
  )
  useScrollOnOpening(article, open)
  const isDone = answer.status === 'done'
  return (
    <article
      ref={article}
      aria-label={question === null ? picture.name : `${picture.name}: ${question}`}
      className="answer"
      tabIndex={-1}
    >
      <div className="said">
        <Words
          answer={answer}
          question={question}
          underWay={underWay}
          picture={picture}
          turnId={turnId}
          isBrief={isRow && !open}
        />
        {answer.status !== 'waiting' && (
          <span className="answer-actions">
            {isDone && answer.text !== '' && <CopyIcon text={() => answer.text} />}
            {children}
            {isDone && (
              <IconButton
                icon="about"
                label={t('answer.about')}
                aria-expanded={open}
                onClick={() => setOpen(!open)}
              />
            )}
          </span>
        )}
      </div>
      {isDone && open && <AnswerFactsList facts={answer.facts} tokens={answer.tokenIds.length} />}
    </article>
  )
})

/** Brings an answer into view when it gets further, but not when it is only drawn again because people scrolled here. */
function useScrollOnProgress(article: RefObject<HTMLElement | null>, stage: string): void {
  const drawnAt = useRef(stage)
  useEffect(() => {
    if (drawnAt.current === stage) return
    drawnAt.current = stage
    article.current?.scrollIntoView({ block: 'nearest' })
  }, [article, stage])
}

/** What opens, opens where it can be pressed: not under what is stuck to the lower edge. */
function useScrollOnOpening(article: RefObject<HTMLElement | null>, open: boolean): void {
  useEffect(() => {
    if (open) article.current?.scrollIntoView({ block: 'nearest' })
  }, [article, open])
}

function Words({
  answer,
  question,
  underWay,
  picture,
  turnId,
  isBrief,
}: {
  answer: ShownAnswer
  question: string | null
  underWay: UnderWay | undefined
  picture: Picture
  turnId: string
  isBrief: boolean
}): ReactElement {
  const { t } = useTranslation('talk')
  switch (answer.status) {
    case 'waiting':
      return underWay === undefined ? (
        <AnswerWaiting tab={answer.tab} />
      ) : (
        <AnswerProgressLine underWay={underWay} />
      )
    case 'done': {
      const { text, tokenIds, facts } = answer
      return (
        <div className="words">
          {text === '' ? (
            <p className="stage">
              <Say saying={emptyAnswerNote({ tokens: tokenIds.length, finish: facts.finish })} />
            </p>
          ) : (
            <>
              <LimitsMark facts={facts} question={question} />
              <p className="caption" dir="auto" lang="en">
                {text}
                {facts.finish === 'stopped' && <span className="stage"> {t('answer.stopped')}</span>}
              </p>
            </>
          )}
          {answer.answers.length > 1 && <Others answers={answer.answers} />}
          {facts.varied === true && <Varied />}
          <OtherModel by={facts.model} />
          <FitsPicture
            answer={answerKey(turnId, picture.id)}
            pictureId={picture.id}
            said={answer}
            isOffered={!isBrief}
          />
          {!isBrief && <Pointing picture={picture} text={answer.text} />}
          {facts.dropped > 0 && <p className="hint">{t('answer.dropped', { count: facts.dropped })}</p>}
        </div>
      )
    }
    case 'failed':
      return <Failed answer={answer} picture={picture} turnId={turnId} />
    case 'never-asked':
      return <NeverAsked picture={picture} turnId={turnId} />
  }
}

/** No failure from below: the sentence is the page's own, in the reader's language. */
function NeverAsked({ picture, turnId }: { picture: Picture; turnId: string }): ReactElement {
  const { t } = useTranslation(['talk', 'shell'])
  const retry = useApp((state) => state.retry)
  return (
    <div className="notice">
      <p>{t('talk:answer.neverAsked')}</p>
      <button type="button" onClick={() => retry(turnId, picture.id)}>
        {t('shell:tryAgain')}
      </button>
    </div>
  )
}

/** The settings would have given the same words again. */
function Varied(): ReactElement {
  const { t } = useTranslation('limits')
  return <p className="hint">{t('varied')}</p>
}

/** Says who wrote an answer when it was not the model that runs now, which looks at the picture itself when asked. */
function OtherModel({ by }: { by: string | undefined }): ReactElement | null {
  const { t } = useTranslation('talk')
  const now = useApp((state) => modelName(state.model))
  if (by === undefined || now === null || by === now) return null
  return <p className="hint">{t('answer.writtenBy', { by, now })}</p>
}

/** The same picture again only helps when the picture was not at fault. */
function Failed({
  answer,
  picture,
  turnId,
}: {
  answer: { status: 'failed'; text: string; failure: Failure }
  picture: Picture
  turnId: string
}): ReactElement {
  const { t } = useTranslation('shell')
  const retry = useApp((state) => state.retry)
  const { failure } = answer
  const pictureAtFault = failure.code === 'bad-image' || failure.code === 'image-too-large'
  const written = answerText(answer)
  return (
    <div className="words">
      {written !== '' && (
        <p className="caption unfinished" dir="auto" lang="en">
          {written}…
        </p>
      )}
      <Notice
        failure={failure}
        {...(!pictureAtFault && { action: t('tryAgain'), onAction: () => retry(turnId, picture.id) })}
      >
        {failure.code === 'device-lost' && <Recovering />}
      </Notice>
    </div>
  )
}

/** Whether there is a model again after the graphics device went away; why there is none is said where one asks. */
function Recovering(): ReactElement | null {
  const { t } = useTranslation('models')
  const status = useApp((state) => state.model.status)
  if (status === 'loading') return <>{t('lost.loading')}</>
  return status === 'ready' ? <>{t('lost.ready')}</> : null
}
