import { memo, useEffect, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import {
  answerText,
  type AnswerFacts,
  type AnswerState,
  type AnswerText,
  type Picture,
} from '../../conversation/conversation.ts'
import { emptyAnswerText } from '../../pack/empty-answer.ts'
import type { Failure } from '../../pack/failure.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Notice } from '../parts/notice.tsx'
import { PictureView } from '../picture/picture.tsx'
import { answerKey, type UnderWay } from '../../state/answering.ts'
import { modelName } from '../../state/model-slice.ts'
import { FitsPicture } from './fit.tsx'
import { useApp } from '../store-context.ts'
import { LimitsMark } from './limits-mark.tsx'

interface AnswerProps {
  turnId: string
  picture: Picture
  question: string | null
  answer: AnswerState
  withPicture: boolean
}

/**
 * What the model says about one picture, with its progress, how it came about, and what can be done with it. Finished
 * ones are not drawn again while another is written.
 */
export const Answer = memo(function Answer(props: AnswerProps): ReactElement {
  const { turnId, picture, question, answer, withPicture } = props
  const stop = useApp((state) => state.stop)
  const here = useApp((state) => state.tab)
  const underWay = useApp((state) => state.underWay[answerKey(turnId, picture.id)])
  const article = useRef<HTMLElement>(null)
  const isWaiting = answer.status === 'waiting'
  const stage = isWaiting ? (underWay?.progress.stage ?? 'waiting') : answer.status
  const drawnAt = useRef(stage)
  useEffect(() => {
    // Not when it is only drawn again because people scrolled here.
    if (drawnAt.current === stage) return
    drawnAt.current = stage
    article.current?.scrollIntoView({ block: 'nearest' })
  }, [stage])
  const canStop = isWaiting && underWay?.tab === here
  const canCopy = answer.status === 'done' && answer.text !== ''
  return (
    <article
      ref={article}
      aria-label={question === null ? picture.name : `${picture.name}: ${question}`}
      className={withPicture ? 'answer with-picture' : 'answer'}
      tabIndex={-1}
    >
      {withPicture && <PictureView picture={picture} />}
      <div className="said">
        <Words answer={answer} question={question} underWay={underWay} picture={picture} turnId={turnId} />
        {(canStop || canCopy) && (
          <div className="actions">
            {canStop && (
              <button
                type="button"
                onClick={() => {
                  stop()
                  // The button goes away; focus stays with the answer instead of falling to the page.
                  article.current?.focus()
                }}
              >
                Stop
              </button>
            )}
            {canCopy && <CopyButton label="Copy" text={() => answer.text} />}
          </div>
        )}
      </div>
    </article>
  )
})

function Words({
  answer,
  question,
  underWay,
  picture,
  turnId,
}: {
  answer: AnswerState
  question: string | null
  underWay: UnderWay | undefined
  picture: Picture
  turnId: string
}): ReactElement {
  switch (answer.status) {
    case 'waiting':
      return underWay === undefined ? <Waiting tab={answer.tab} /> : <Progress underWay={underWay} />
    case 'done':
      return (
        <>
          {answer.text === '' ? (
            <p className="stage">{emptyAnswerText({ tokens: answer.tokenIds.length, ...answer.facts })}</p>
          ) : (
            <>
              <LimitsMark facts={answer.facts} question={question} />
              <p className="caption">{answer.text}</p>
            </>
          )}
          {answer.answers.length > 1 && <Others answers={answer.answers} />}
          <p className="timing">{timing(answer.facts, answer.tokenIds.length)}</p>
          {answer.facts.varied === true && <Varied />}
          <OtherModel by={answer.facts.model} />
          <FitsPicture
            answer={answerKey(turnId, picture.id)}
            pictureId={picture.id}
            texts={textsOf(answer)}
          />
          {answer.facts.dropped > 0 && (
            <p className="timing">
              The conversation has grown too long for the model: the {answer.facts.dropped} oldest turns were
              left out.
            </p>
          )}
        </>
      )
    case 'failed':
      return <Failed answer={answer} picture={picture} turnId={turnId} />
  }
}

function Waiting({ tab }: { tab: string }): ReactElement {
  const here = useApp((state) => state.tab)
  const model = useApp((state) => state.model.status)
  if (tab !== here) return <p className="stage">Waiting in another tab…</p>
  return <p className="stage">{model === 'ready' ? 'Waiting for its turn…' : 'Waiting for the model…'}</p>
}

/** How far an answer is, on whichever page it is written. */
function Progress({ underWay: { tab, progress } }: { underWay: UnderWay }): ReactElement {
  const here = useApp((state) => state.tab)
  const where = tab === here ? '' : ' in another tab'
  switch (progress.stage) {
    case 'reading':
      return <p className="stage">Reading the picture{where}…</p>
    case 'opening':
      return (
        <p className="stage">
          Opening {progress.graph === 'vision' ? 'the vision encoder' : 'the Q-Former'}
          {where}…
        </p>
      )
    case 'looking':
      return <p className="stage">Looking{where}…</p>
    case 'writing':
      return (
        <>
          <p className="caption">{progress.text}</p>
          <p className="stage">Writing{where}…</p>
        </>
      )
  }
}

/** What an answer says, all of it where there are several; what says nothing is left out. */
function textsOf({ text, answers }: { text: string; answers: readonly AnswerText[] }): string[] {
  const texts = answers.length > 1 ? answers.map((one) => one.text) : [text]
  return texts.filter((one) => one.trim() !== '')
}

/** The settings would have given the same words again. */
function Varied(): ReactElement {
  const { t } = useTranslation('limits')
  return <p className="timing">{t('varied')}</p>
}

/** Says who wrote an answer when it was not the model that runs now, which looks at the picture itself when asked. */
function OtherModel({ by }: { by: string | undefined }): ReactElement | null {
  const now = useApp((state) => modelName(state.model))
  if (by === undefined || now === null || by === now) return null
  return (
    <p className="timing">
      Written by {by}; the next answer will be by {now}.
    </p>
  )
}

/** The runners-up of a beam search, or the other samples. */
function Others({ answers }: { answers: AnswerText[] }): ReactElement {
  return (
    <details className="others">
      <summary>{answers.length} answers with their scores</summary>
      <ol>
        {answers.map(({ text, score }, i) => (
          <li key={i}>
            {text === '' ? '(nothing)' : text} <span className="timing">{score.toFixed(3)}</span>
          </li>
        ))}
      </ol>
    </details>
  )
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
  const retry = useApp((state) => state.retry)
  const { failure } = answer
  const pictureAtFault = failure.code === 'bad-image' || failure.code === 'image-too-large'
  const written = answerText(answer)
  return (
    <>
      {written !== '' && <p className="caption unfinished">{written}…</p>}
      <p className="stage">{picture.name}</p>
      <Notice
        failure={failure}
        {...(!pictureAtFault && { action: 'Try again', onAction: () => retry(turnId, picture.id) })}
      />
    </>
  )
}

function timing(
  { finish, lookMs, prefillMs, decodeMs, prefilled, tookMs }: AnswerFacts,
  tokens: number,
): string {
  const total = lookMs + prefillMs + decodeMs
  const parts = [finish === 'stopped' ? `Stopped after ${seconds(tookMs ?? total)}` : seconds(total)]
  if (tokens > 0) parts.push(`first word after ${seconds(lookMs + prefillMs)}`)
  if (tokens > 1 && decodeMs > 0)
    parts.push(`${((1000 * (tokens - 1)) / decodeMs).toFixed(1)} tokens per second`)
  if (prefilled > 0) parts.push(`${prefilled} positions read`)
  if (finish === 'limit') parts.push('cut at the longest answer')
  return parts.join(' · ')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 995 ? 2 : 1)} s`
}
