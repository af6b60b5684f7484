import { useEffect, useRef, useState, type ReactElement } from 'react'
import type { Failure } from '../pack/failure.ts'
import type { Caption } from '../protocol/calls.ts'
import { isUnderWay, type AnswerState, type Entry } from '../state/conversation-slice.ts'
import { ChooseImage } from './drop-zone.tsx'
import { Notice } from './notice.tsx'
import { useApp } from './store-context.ts'

/** The pictures and their captions, the newest last. */
export function Conversation(): ReactElement {
  const entries = useApp((state) => state.entries)
  const busy = entries.some((entry) => isUnderWay(entry.answer))
  return (
    <section className="conversation">
      <div className="composer">
        <ChooseImage />
        <span className="hint">or drop one anywhere, or paste it</span>
      </div>
      {/* Live updates would read out every token; finished answers are announced by the status line instead. */}
      <div role="log" aria-label="Conversation" aria-live="off" aria-busy={busy} tabIndex={0}>
        {entries.length === 0 && (
          <p className="empty">Drop a picture here, and its caption appears word by word.</p>
        )}
        {entries.map((entry) => (
          <Answer key={entry.id} entry={entry} />
        ))}
      </div>
    </section>
  )
}

function Answer({ entry }: { entry: Entry }): ReactElement {
  const retry = useApp((state) => state.retry)
  const remove = useApp((state) => state.remove)
  const stop = useApp((state) => state.stop)
  const article = useRef<HTMLElement>(null)
  const url = useObjectUrl(entry.image)
  const { answer } = entry
  const underWay = isUnderWay(answer)
  useEffect(() => {
    article.current?.scrollIntoView({ block: 'nearest' })
  }, [answer.status])
  return (
    <article ref={article} aria-label={entry.name} className={`answer ${answer.status}`} tabIndex={-1}>
      <img
        src={url}
        alt={`Your picture ${entry.name}`}
        onError={(event) => event.currentTarget.classList.add('broken')}
      />
      <div className="said">
        <Words answer={answer} name={entry.name} onRetry={() => retry(entry.id)} />
        <div className="actions">
          {underWay && (
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
          {answer.status === 'done' && <Copy text={answer.caption.text} />}
          {!underWay && (
            <button
              type="button"
              className="quiet"
              onClick={() => remove(entry.id)}
              aria-label={`Remove ${entry.name}`}
            >
              Remove
            </button>
          )}
        </div>
      </div>
    </article>
  )
}

function Words({
  answer,
  name,
  onRetry,
}: {
  answer: AnswerState
  name: string
  onRetry: () => void
}): ReactElement {
  const model = useApp((state) => state.model.status)
  switch (answer.status) {
    case 'waiting':
      return <p className="stage">{model === 'ready' ? 'Waiting for its turn…' : 'Waiting for the model…'}</p>
    case 'reading':
      return <p className="stage">Reading the picture…</p>
    case 'looking':
      return <p className="stage">Looking…</p>
    case 'writing':
      return (
        <>
          <p className="caption">{answer.text}</p>
          <p className="stage">Writing…</p>
        </>
      )
    case 'done':
      return (
        <>
          <p className="caption">{answer.caption.text === '' ? '(nothing was said)' : answer.caption.text}</p>
          <p className="timing">{timing(answer.caption)}</p>
        </>
      )
    case 'failed':
      return <Failed name={name} failure={answer.failure} onRetry={onRetry} />
  }
}

/** The same picture again only helps when the picture was not at fault. */
function Failed({
  name,
  failure,
  onRetry,
}: {
  name: string
  failure: Failure
  onRetry: () => void
}): ReactElement {
  const pictureAtFault = failure.code === 'bad-image' || failure.code === 'image-too-large'
  return (
    <>
      <p className="stage">{name}</p>
      <Notice failure={failure} {...(!pictureAtFault && { action: 'Try again', onAction: onRetry })} />
    </>
  )
}

function timing({ timings, tokenIds, finish }: Caption): string {
  const { readMs, lookMs, prefillMs, decodeMs } = timings
  const total = readMs + lookMs + prefillMs + decodeMs
  const parts = [finish === 'stopped' ? `Stopped after ${seconds(total)}` : seconds(total)]
  if (tokenIds.length > 0) parts.push(`first word after ${seconds(readMs + lookMs + prefillMs)}`)
  if (tokenIds.length > 1 && decodeMs > 0)
    parts.push(`${((1000 * (tokenIds.length - 1)) / decodeMs).toFixed(1)} tokens per second`)
  if (finish === 'limit') parts.push('cut at the longest answer')
  return parts.join(' · ')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 995 ? 2 : 1)} s`
}

function Copy({ text }: { text: string }): ReactElement {
  const [copied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <button type="button" className="quiet" onClick={() => void copy()} onBlur={() => setCopied(false)}>
      {copied ? 'Copied' : 'Copy'}
    </button>
  )
}

/** A URL for a Blob that stays the same while the component lives; revoked when it goes. */
function useObjectUrl(blob: Blob): string {
  const [url] = useState(() => URL.createObjectURL(blob))
  useEffect(() => () => URL.revokeObjectURL(url), [url])
  return url
}
